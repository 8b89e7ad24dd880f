import { Link } from 'wouter'
import type { EventRow } from '../../api/events'
import { useLives } from '../../api/operations'
import type { Trigger } from '../../api/triggers'
import { resultOf, Tag } from '../../parts/Tag'
import { count } from '../../text'
import { Instant } from '../../time/Instant'
import { measured, setTo } from '../../time/relative'
import { Card } from './Card'
import { words } from './text'
import type { Tail } from './useTail'

export const eventWay = (row: Pick<EventRow, 'id' | 'trigger_id'>): string =>
  `/events?event=${row.id}&trigger=${row.trigger_id}`

/** Lateness of what fired, the reason of what did not. */
export function detailOf(row: EventRow): string {
  if (row.errors.length > 0) {
    return row.errors.map(({ pointer, message }) => `${pointer || '/'}: ${message}`).join('; ')
  }
  const reason =
    row.reason ?? (row.lateness === null ? row.source : words.recent.after(measured(row.lateness)))
  return row.count > 1 ? `${reason} (${count(row.count, 'occurrence')})` : reason
}

interface Props {
  rows: readonly EventRow[]
  trigger: Trigger
  tail: Tail
}

export function Recent({ rows, trigger, tail }: Props) {
  const kept = setTo(useLives()?.kept_for_s)
  const fresh = new Set(tail.arrived.map((row) => row.id))
  const log = `/triggers/${trigger.id}?tab=log`
  return (
    <Card
      title={
        <>
          {words.recent.title}{' '}
          <span className="recent-state">{words.recent.state[tail.state]}</span>
        </>
      }
      aside={
        <span className="card-ways">
          <Link href={`${log}&kind=missed,rejected,edit,dead`}>{words.recent.why}</Link>
          <Link href={log}>{words.recent.all}</Link>
        </span>
      }
    >
      {rows.length === 0 ? <p className="card-none">{words.recent.none(kept)}</p> : null}
      <ul className="recent">
        {rows.map((row) => (
          <li key={row.id} className={fresh.has(row.id) ? 'recent-row is-fresh' : 'recent-row'}>
            <Link href={eventWay(row)} className="recent-way">
              <Instant at={row.fired_at ?? row.logged_at} schedule={trigger.timezone} precise />
              <Tag result={resultOf(row)} />
              <span className="clip quiet" title={detailOf(row)}>
                {detailOf(row)}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}
