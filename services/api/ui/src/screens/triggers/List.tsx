import { type KeyboardEvent, memo, useCallback, useMemo } from 'react'
import { useLocation } from 'wouter'
import { useLives } from '../../api/operations'
import type { Trigger } from '../../api/triggers'
import type { MenuAt } from '../../parts/MenuButton'
import { type Column, Table } from '../../parts/Table'
import { setTo } from '../../time/relative'
import { Check } from './Check'
import { Actions, Last, Name, Next, Points, Schedule } from './cells'
import './List.css'
import type { Activity } from './results'
import { words } from './text'
import type { Selection } from './useSelection'

interface Props {
  rows: readonly Trigger[]
  total: number | null
  results: ReadonlyMap<string, Activity>
  gone: ReadonlySet<string>
  selection: Selection
  onMenu: (at: MenuAt<Trigger>) => void
  onFire: (trigger: Trigger) => void
  onEnd: () => void
  onRange: (first: number, last: number) => void
}

const TEMPLATE =
  '36px minmax(120px, 1fr) minmax(140px, 1.5fr) 190px minmax(154px, 0.5fr) 150px 88px'

const idOf = (row: Trigger) => row.id

/** The table of triggers; its rows are led to by j and k, taken by x, opened by Enter. */
export const List = memo(function List(props: Props) {
  const { rows, results, gone, selection, onMenu, onFire } = props
  const [, go] = useLocation()
  const { chosen, toggle, put, clear } = selection
  const kept = setTo(useLives()?.kept_for_s)
  const isAll = rows.length > 0 && rows.every((row) => chosen.has(row.id))

  const columns = useMemo(
    (): Column<Trigger>[] => [
      {
        key: 'check',
        head: (
          <Check
            label={words.selectLoaded}
            isOn={isAll}
            isSome={chosen.size > 0}
            onToggle={() => (isAll ? clear() : put([...chosen.values(), ...rows]))}
          />
        ),
        cell: (row) => (
          <Check
            label={words.select(row.name)}
            isOn={chosen.has(row.id)}
            onToggle={(isRange) => toggle(row, rows, isRange)}
          />
        ),
        narrow: 'start',
      },
      {
        key: 'name',
        head: words.columns.name,
        cell: (row) => <Name trigger={row} isGone={gone.has(row.id)} />,
        narrow: 'start',
      },
      {
        key: 'schedule',
        head: words.columns.schedule,
        cell: (row) => <Schedule trigger={row} />,
        narrow: 'start',
      },
      {
        key: 'next',
        head: words.columns.next,
        cell: (row) => <Next trigger={row} />,
        narrow: 'end',
      },
      {
        key: 'last',
        head: words.columns.last,
        cell: (row) => <Last activity={results.get(row.id)} kept={kept} />,
        narrow: 'start',
      },
      {
        key: 'points',
        head: words.columns.points,
        cell: (row) => <Points activity={results.get(row.id)} />,
      },
      {
        key: 'actions',
        head: words.columns.actions,
        cell: (row) => (
          <Actions trigger={row} isGone={gone.has(row.id)} onMenu={onMenu} onFire={onFire} />
        ),
        narrow: 'end',
      },
    ],
    [rows, results, gone, chosen, isAll, kept, toggle, put, clear, onMenu, onFire],
  )

  const open = useCallback((row: Trigger) => go(`/triggers/${row.id}`), [go])
  const key = useCallback(
    (event: KeyboardEvent, row: Trigger) => {
      if (event.key !== 'x') return
      event.preventDefault()
      toggle(row, rows, false)
    },
    [toggle, rows],
  )
  return (
    <div className="triggers-table">
      <Table
        label={words.title}
        columns={columns}
        template={TEMPLATE}
        rows={rows}
        id={idOf}
        rowHeight={42}
        narrowHeight={104}
        total={props.total}
        onOpen={open}
        onEnd={props.onEnd}
        onRange={props.onRange}
        onKey={key}
        rowClass={(row) => (chosen.has(row.id) ? 'is-chosen' : gone.has(row.id) ? 'is-gone' : '')}
      />
    </div>
  )
})
