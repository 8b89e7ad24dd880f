import type { EventRow } from '../../api/events'
import { LatenessRule } from '../../parts/LatenessRule'
import { LifeClock } from '../../parts/LifeClock'
import type { Column } from '../../parts/Table'
import { resultOf, Tag } from '../../parts/Tag'
import { Instant } from '../../time/Instant'
import { measured } from '../../time/relative'
import { words } from './text'

/** A test says what became of it, too, where it did not fire. */
export function ResultTag({ row }: { row: EventRow }) {
  const result = resultOf(row)
  return result === 'test' && row.status !== 'fired' ? (
    <Tag result={result} word={`test, ${row.status}`} />
  ) : (
    <Tag result={result} />
  )
}

/** Why a row is as it is, in one line. */
export function whyOf(row: EventRow): string {
  const [first] = row.errors
  if (first) return `${first.pointer || '/'}: ${first.message}`
  if (row.reason) return row.reason
  return row.lateness === null ? '' : measured(row.lateness)
}

function Why({ row }: { row: EventRow }) {
  const why = whyOf(row)
  const isFigure = row.lateness !== null && row.errors.length === 0 && !row.reason
  if (isFigure) return <span className={`mono is-${resultOf(row)}`}>{why}</span>
  return (
    <span className="quiet cell-reason" title={why}>
      {why}
    </span>
  )
}

export function columnsOf(
  zoneOf: (row: EventRow) => string | null,
  misfireAfter: number | undefined,
): Column<EventRow>[] {
  const { heads } = words
  return [
    {
      key: 'logged',
      head: heads.logged,
      narrow: 'start',
      cell: (row) => <Instant at={row.logged_at} schedule={zoneOf(row)} isOfSchedule precise />,
    },
    { key: 'result', head: heads.result, narrow: 'end', cell: (row) => <ResultTag row={row} /> },
    {
      key: 'trigger',
      head: heads.trigger,
      narrow: 'start',
      cell: (row) => (
        <span className="log-name" title={row.trigger_name}>
          {row.trigger_name}
        </span>
      ),
    },
    {
      key: 'source',
      head: heads.source,
      narrow: 'none',
      cell: (row) => <span className="quiet">{row.source}</span>,
    },
    {
      key: 'rule',
      head: heads.rule,
      narrow: 'none',
      cell: (row) => (
        <LatenessRule lateness={row.lateness} result={resultOf(row)} misfireAfter={misfireAfter} />
      ),
    },
    { key: 'why', head: heads.why, narrow: 'end', cell: (row) => <Why row={row} /> },
    {
      key: 'life',
      head: heads.life,
      narrow: 'none',
      cell: (row) => (
        <LifeClock
          loggedAt={row.logged_at}
          archivesAt={row.archives_at}
          deletesAt={row.deletes_at}
          isShort
        />
      ),
    },
  ]
}

/** The first column is as wide as the instants are told: with a date where it is not today's. */
export const templateOf = (signs: number): string =>
  `${Math.max(112, Math.ceil(signs * 7.3) + 24)}px 120px minmax(110px, 1.2fr) 88px 184px minmax(110px, 1fr) 168px`
