import { useEffect, useMemo, useRef, useState } from 'react'
import { type Target, useTargets } from '../../api/targets'
import { useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { useReturn } from '../../app/useReturn'
import { ButtonLink } from '../../parts/Button'
import { entryOf } from '../../parts/heir'
import { lazily } from '../../parts/lazily'
import { useMenu } from '../../parts/MenuButton'
import { NextPage, useNextPage } from '../../parts/NextPage'
import { Picker } from '../../parts/Picker'
import { Search } from '../../parts/Search'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { useLasting } from '../../parts/useLasting'
import { askedOf, filtersOf, HEALTHS, narrowing, TYPES } from './filters'
import { List } from './List'
import { FirstTarget, NoMatch } from './Nothing'
import './Targets.css'
import { healthNames, typeNames, words } from './text'

const RowMenu = lazily(() => import('./RowMenu'))
const DeleteTarget = lazily(async () => ({
  default: (await import('./DeleteTarget')).DeleteTarget,
}))

/** Others add and edit them, too. */
const EVERY = 15_000

const TYPE_CHOICES = TYPES.map((value) => ({
  value,
  label: value === 'any' ? words.any : typeNames[value],
}))

const HEALTH_CHOICES = HEALTHS.map((value) => ({ value, label: healthNames[value] }))

/** Where events are delivered to. */
export default function Targets() {
  const { search, change } = useAddress()
  const filters = useMemo(() => filtersOf(search), [search])
  const asked = useMemo(() => askedOf(filters), [filters])
  const list = useTargets(asked, { every: EVERY })
  const rows = useMemo(() => rowsOf(list.data?.pages.map((page) => page.rows) ?? []), [list.data])
  const menu = useMenu<Target>()
  const [deleting, setDeleting] = useState<Target | null>(null)
  const input = useRef<HTMLInputElement>(null)
  const table = useRef<HTMLDivElement>(null)
  const more = useNextPage(list)
  useRowKeys(table)
  const isNarrowed = narrowing(filters).length > 0
  // What is shown until the answer comes was told for other filters: it being empty says nothing.
  const isKnown = list.data !== undefined && !list.isPlaceholderData
  useReturn(isKnown, search.toString())
  const isEmpty = isKnown && rows.length === 0
  const isWaiting = useLasting(list.isPlaceholderData)
  const isOld = (isInTrouble(list) && !more.refusal) || isWaiting
  return (
    <Page
      title={words.title}
      actions={
        <ButtonLink href="/targets/new" kind="primary">
          {words.create}
        </ButtonLink>
      }
    >
      <div className="toolbar" role="search">
        <Search label={words.search} q={filters.q} change={change} input={input} />
        <Picker
          label={words.type}
          choices={TYPE_CHOICES}
          value={filters.type}
          onChange={(type) => change({ type: type === 'any' ? null : type })}
        />
        <Picker
          label={words.health}
          choices={HEALTH_CHOICES}
          value={filters.health}
          onChange={(health) => change({ health })}
        />
      </div>
      {more.refusal ? null : <Trouble query={list} />}
      {!isKnown && rows.length === 0 && !isInTrouble(list) ? (
        <Skeleton rows={8} height={42} />
      ) : null}
      {isEmpty && isNarrowed ? (
        <NoMatch
          filters={filters}
          onClear={() => {
            change({ q: null, type: null, health: null })
            // The button goes with the filter.
            input.current?.focus()
          }}
        />
      ) : null}
      {isEmpty && !isNarrowed ? <FirstTarget /> : null}
      {rows.length > 0 ? (
        <div
          ref={table}
          className={isOld ? 'is-stale' : undefined}
          aria-busy={list.isPlaceholderData}
        >
          <List
            rows={rows}
            total={list.data?.pages[0]?.total ?? null}
            onEnd={more.next}
            onMenu={menu.open}
          />
          <NextPage {...more} />
        </div>
      ) : null}
      {menu.wasOpened ? <RowMenu at={menu.at} onClose={menu.close} onDelete={setDeleting} /> : null}
      {deleting ? (
        <DeleteTarget
          key={deleting.id}
          target={deleting}
          onClose={() => setDeleting(null)}
          onDeleted={() => focusSoon(table.current)}
        />
      ) : null}
    </Page>
  )
}

/** A row may move to a later page between two reads: it is shown where it was met first. */
function rowsOf(pages: readonly Target[][]): Target[] {
  const byId = new Map<string, Target>()
  for (const row of pages.flat()) if (!byId.has(row.id)) byId.set(row.id, row)
  return [...byId.values()]
}

const TYPED_INTO =
  'input, textarea, select, [contenteditable], [role=dialog], [role=menu], [role=listbox], [data-row]'

/** `j` and `k` lead into the table, to where one was in it; there it moves by itself. */
function useRowKeys(table: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key !== 'j' && event.key !== 'k') return
      if ((event.target as Element).closest?.(TYPED_INTO)) return
      event.preventDefault()
      entryOf(table.current)?.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [table])
}

/** The row that had the focus is gone: the table has it, once it is drawn without that row. */
function focusSoon(table: HTMLElement | null): void {
  requestAnimationFrame(() => requestAnimationFrame(() => entryOf(table)?.focus()))
}
