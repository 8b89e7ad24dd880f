/** Times to come of a schedule: what it says itself is the server's word, on the schedule's clock. */
import type { ClockChange, Occurrence } from '../api/schedules'
import { count, text } from '../text'
import { isAmbiguous, isKnownZone, wall } from '../time/format'
import { Instant, Relative } from '../time/Instant'
import { useZone } from '../time/zone'
import './Times.css'

const words = text.times

interface TimesProps {
  list: readonly Occurrence[]
  /** The schedule's. */
  zone: string
  /** They will not come any more. */
  isGone?: boolean
}

/** One a row: on the schedule's clock, on the reader's where that is another, and how long until then. */
export function Times({ list, zone, isGone }: TimesProps) {
  const own = useZone(zone)
  const isOther = own !== zone
  return (
    <table className={isGone ? 'times is-gone' : 'times'}>
      <thead>
        <tr>
          <th scope="col">{zone}</th>
          {isOther ? <th scope="col">{own === 'UTC' ? own : words.yours(own)}</th> : null}
          <th scope="col">{words.fromNow}</th>
        </tr>
      </thead>
      <tbody>
        {list.map((each) => (
          <tr key={each.scheduled_for}>
            <td>
              <Wall occurrence={each} zone={zone} />
            </td>
            {isOther ? (
              <td>
                <Instant at={each.scheduled_for} />
              </td>
            ) : null}
            <td className="quiet">
              <Relative at={each.scheduled_for} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface WallProps {
  occurrence: Occurrence
  zone: string
}

/** On the schedule's clock; with the offset in an hour that comes twice, and why a time is moved. */
export function Wall({ occurrence, zone }: WallProps) {
  const { dst } = occurrence
  const isTwice = isKnownZone(zone) && isAmbiguous(Date.parse(occurrence.scheduled_for), zone)
  return (
    <>
      <time className="mono" dateTime={occurrence.scheduled_for}>
        {wall(occurrence.local, dst !== null || isTwice)}
      </time>
      {dst ? <span className="is-late wall-note">{words[dst]}</span> : null}
    </>
  )
}

/** What changes of the zone's clock do to the schedule, in words. */
export function ClockChanges({ list }: { list: readonly ClockChange[] }) {
  if (list.length === 0) return null
  return (
    <div className="clock-changes">
      <h3>{words.clocks}</h3>
      <ul>
        {list.map((change) => (
          <li key={change.at}>
            {words.goes(wall(change.local_before), wall(change.local_after).slice(-8))}{' '}
            {words.matched(change.local_after > change.local_before, count(change.matched, 'time'))}{' '}
            {words.effect[change.effect]}
          </li>
        ))}
      </ul>
    </div>
  )
}
