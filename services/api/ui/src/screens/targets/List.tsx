import { memo, useCallback, useMemo } from 'react'
import { Link, useLocation } from 'wouter'
import type { Target } from '../../api/targets'
import { type MenuAt, MenuButton } from '../../parts/MenuButton'
import { type Column, Table } from '../../parts/Table'
import { HealthOf } from './HealthOf'
import { nameOf, paceOf, placeOf } from './place'
import { typeNames, words } from './text'

interface Props {
  rows: readonly Target[]
  total: number | null
  onMenu: (at: MenuAt<Target>) => void
  onEnd: () => void
}

const TEMPLATE =
  'minmax(140px, 1fr) 88px minmax(160px, 1.4fr) minmax(190px, 0.8fr) minmax(150px, 0.7fr) 80px'

const idOf = (row: Target) => row.id

/** The table of targets; its rows are led to by j and k, opened by Enter. */
export const List = memo(function List({ rows, total, onMenu, onEnd }: Props) {
  const [, go] = useLocation()
  const columns = useMemo(
    (): Column<Target>[] => [
      {
        key: 'name',
        head: words.columns.name,
        narrow: 'start',
        cell: (row) => (
          <Link href={`/targets/${row.id}`} className="target-name clip" title={nameOf(row)}>
            {nameOf(row)}
          </Link>
        ),
      },
      {
        key: 'type',
        head: words.columns.type,
        narrow: 'end',
        cell: (row) => <span className="quiet">{typeNames[row.type]}</span>,
      },
      {
        key: 'place',
        head: words.columns.place,
        narrow: 'start',
        cell: (row) => (
          <span className="mono" title={placeOf(row)}>
            {placeOf(row)}
          </span>
        ),
      },
      {
        key: 'health',
        head: words.columns.health,
        narrow: 'start',
        cell: (row) => <HealthOf target={row} />,
      },
      {
        key: 'pace',
        head: words.columns.pace,
        narrow: 'none',
        cell: (row) => <span className="quiet">{paceOf(row)}</span>,
      },
      {
        key: 'actions',
        head: words.columns.actions,
        narrow: 'end',
        cell: (row) => <MenuButton payload={row} label={words.more(nameOf(row))} onOpen={onMenu} />,
      },
    ],
    [onMenu],
  )
  const open = useCallback((row: Target) => go(`/targets/${row.id}`), [go])
  return (
    <div className="targets-table">
      <Table
        label={words.title}
        columns={columns}
        template={TEMPLATE}
        rows={rows}
        id={idOf}
        rowHeight={42}
        narrowHeight={84}
        total={total}
        onOpen={open}
        onEnd={onEnd}
      />
    </div>
  )
})
