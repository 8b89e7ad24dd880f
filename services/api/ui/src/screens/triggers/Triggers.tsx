import { useCallback, useMemo, useRef, useState } from 'react'
import { useOverview } from '../../api/operations'
import type { Trigger } from '../../api/triggers'
import { useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { useReturn } from '../../app/useReturn'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { ButtonLink } from '../../parts/Button'
import { lazily } from '../../parts/lazily'
import { useMenu } from '../../parts/MenuButton'
import { NextPage, useNextPage } from '../../parts/NextPage'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { useLasting } from '../../parts/useLasting'
import { Asked, type Asking } from './Asked'
import { Changed } from './Changed'
import { Counters } from './Counters'
import { askedOf, filtersOf, narrowing } from './filters'
import { List } from './List'
import { FirstTrigger, NoMatch } from './Nothing'
import { Toolbar } from './Toolbar'
import './Triggers.css'
import { words } from './text'
import { useFocusAfterDelete, useKeys } from './useKeys'
import { useResults } from './useResults'
import { useFresh, useRows, useSight } from './useRows'
import { useSelection } from './useSelection'

const RowMenu = lazily(() => import('./RowMenu'))
const SelectionBar = lazily(async () => ({
  default: (await import('./SelectionBar')).SelectionBar,
}))

export default function Triggers() {
  const { search, change } = useAddress()
  const filters = useMemo(() => filtersOf(search), [search])
  const asked = useMemo(() => askedOf(filters), [filters])
  const { list, rows, total, isExact } = useRows(asked)
  const { ids, onRange } = useSight(rows)
  const gone = useFresh(ids, rows, asked)
  const results = useResults(ids)
  const selection = useSelection()
  // Stays once it was there: what became of a deletion is told when nothing is chosen any more.
  const wasChosen = useRef(false)
  if (selection.chosen.size > 0) wasChosen.current = true
  const menu = useMenu<Trigger>()
  const [asking, ask] = useState<Asking | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const onFire = useCallback((trigger: Trigger) => ask({ what: 'fire', trigger }), [])
  const more = useNextPage(list)
  useKeys(input)
  const keepFocus = useFocusAfterDelete(rows)
  const isNarrowed = narrowing(filters).length > 0
  // What is shown until the answer comes was told for other filters: it being empty says nothing.
  const isKnown = list.data !== undefined && !list.isPlaceholderData
  useReturn(isKnown, search.toString())
  const isEmpty = isKnown && rows.length === 0
  // The counters are asked for most often: they notice first that nobody answers.
  const overview = useOverview()
  const asleep = isInTrouble(list) && !more.refusal ? list : overview
  const isWaiting = useLasting(list.isPlaceholderData)
  const isOld = isInTrouble(asleep) || isWaiting
  return (
    <Page
      title={words.title}
      actions={
        <>
          <ZoneSwitch />
          <ButtonLink href="/triggers/new" kind="primary">
            {words.create}
          </ButtonLink>
        </>
      }
    >
      <Counters filters={filters} change={change} />
      <Toolbar filters={filters} change={change} search={input} />
      <Trouble query={asleep} />
      {!isKnown && rows.length === 0 && !isInTrouble(list) ? (
        <Skeleton rows={12} height={42} />
      ) : null}
      {isEmpty && isNarrowed ? (
        <NoMatch
          filters={filters}
          change={(changes) => {
            change(changes)
            // The button goes with the filter.
            input.current?.focus()
          }}
        />
      ) : null}
      {isEmpty && !isNarrowed ? <FirstTrigger /> : null}
      {rows.length > 0 ? (
        <div className={isOld ? 'is-stale' : undefined} aria-busy={list.isPlaceholderData}>
          <List
            {...{ rows, total, results, gone, selection, onFire, onRange }}
            onEnd={more.next}
            onMenu={menu.open}
          />
          <NextPage {...more} />
        </div>
      ) : null}
      <Changed
        list={list}
        total={isNarrowed ? null : total}
        isAtRest={selection.chosen.size === 0 && asking === null && menu.at === null}
      />
      {wasChosen.current ? (
        <SelectionBar
          selection={selection}
          asked={asked}
          total={total}
          isExact={isExact}
          isAll={total !== null && selection.chosen.size >= total}
        />
      ) : null}
      {menu.wasOpened ? <RowMenu at={menu.at} onClose={menu.close} ask={ask} /> : null}
      <Asked
        asking={asking}
        ask={ask}
        onDeleted={(id) => {
          keepFocus()
          selection.drop(id)
        }}
      />
    </Page>
  )
}
