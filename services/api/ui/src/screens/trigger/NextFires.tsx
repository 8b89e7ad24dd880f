import type { Occurrence } from '../../api/schedules'
import type { useNext } from '../../api/trigger'
import { Skeleton } from '../../parts/Skeleton'
import { useSecond } from '../../time/clock'
import { wall } from '../../time/format'
import { Instant, Relative } from '../../time/Instant'
import { useZoneMode } from '../../time/zone'
import { Away } from './Away'
import { clockWords } from './clockWords'
import { words } from './text'

const ROW = 28
const SHOWN = 10

/** What is to come: on the schedule's clock by the server, on the reader's, and how long until then. */
export function NextFires({ next, zone }: { next: ReturnType<typeof useNext>; zone: string }) {
  const now = useSecond() * 1000
  const coming = (next.data?.occurrences ?? []).filter(
    ({ scheduled_for }) => Date.parse(scheduled_for) > now,
  )
  return (
    <section className="card" aria-labelledby="next">
      <div className="card-head">
        <h2 id="next">{words.next.title}</h2>
      </div>
      {next.data ? (
        <>
          {coming.length === 0 ? (
            <p className="card-none">{words.next.none}</p>
          ) : (
            <Occurrences list={coming.slice(0, SHOWN)} zone={zone} />
          )}
          {next.data.clock_changes.map((change) => (
            <p key={change.at} className="card-note">
              {clockWords(change)}
            </p>
          ))}
        </>
      ) : (
        <Away query={next}>
          <Skeleton rows={SHOWN} height={ROW} />
        </Away>
      )}
    </section>
  )
}

export function Occurrences({ list, zone }: { list: readonly Occurrence[]; zone: string }) {
  const { mode } = useZoneMode()
  return (
    <table className="plain">
      <thead>
        <tr>
          <th scope="col">{words.next.schedule(zone)}</th>
          {mode === 'schedule' ? null : (
            <th scope="col">{mode === 'utc' ? words.next.utc : words.next.yours}</th>
          )}
          <th scope="col">{words.next.relative}</th>
        </tr>
      </thead>
      <tbody>
        {list.map((each) => (
          <tr key={each.scheduled_for}>
            <td>
              <Wall occurrence={each} />
            </td>
            {mode === 'schedule' ? null : (
              <td>
                <Instant at={each.scheduled_for} />
              </td>
            )}
            <td className="quiet">
              <Relative at={each.scheduled_for} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The server's word for it; its offset where the clock changes about then. */
export function Wall({ occurrence }: { occurrence: Occurrence }) {
  const { dst } = occurrence
  return (
    <>
      <time className="mono" dateTime={occurrence.scheduled_for}>
        {wall(occurrence.local, dst !== null)}
      </time>
      {dst ? <span className="is-late wall-note">{words.next[dst]}</span> : null}
    </>
  )
}
