import type { ClockChange, Occurrence } from '../../api/schedules'
import { Button } from '../../parts/Button'
import { Skeleton } from '../../parts/Skeleton'
import { count } from '../../text'
import { wall } from '../../time/format'
import { Instant, Relative } from '../../time/Instant'
import { useZone } from '../../time/zone'
import { type Asked, SHOWN } from './ahead'
import { words } from './text'
import './Preview.css'

/** The next ten, as the server computes them; of an edit, before and after. */
export function Preview({ asked, zone, isApi }: { asked: Asked; zone: string; isApi: boolean }) {
  return (
    <section className="edit-card edit-preview" aria-labelledby="edit-preview">
      <h2 id="edit-preview">{words.preview.title}</h2>
      {isApi ? <p>{words.preview.api}</p> : <Content asked={asked} zone={zone} />}
    </section>
  )
}

function Content({ asked, zone }: { asked: Asked; zone: string }) {
  const { data, error, away } = asked
  if (!asked.isAsked) return <p className="quiet">{words.preview.nothing}</p>
  if (!data && !error && !away) return <Skeleton rows={5} height={28} />
  const isOld = !asked.isCurrent
  return (
    <>
      {/* Of fixed height: what is typed must not move what is read. */}
      <p className="edit-words" aria-live="polite">
        {away ? (
          <span className="is-late">{words.preview.away(away.failures)}</span>
        ) : error ? (
          <span className="edit-unfinished">
            {error.errors[0]?.message ?? error.detail}{' '}
            {error.isAway ? <Button onClick={asked.retry}>{words.preview.retry}</Button> : null}
          </span>
        ) : (
          data?.words
        )}
      </p>
      {data ? (
        <div className={isOld || error ? 'edit-old' : undefined} aria-busy={isOld}>
          {data.before ? (
            <BeforeAfter before={data.before} after={data.after} />
          ) : (
            <Occurrences list={data.after} zone={zone} />
          )}
          {data.more ? <p className="quiet">{words.preview.more}</p> : null}
          <ClockChanges list={data.clockChanges} />
        </div>
      ) : null}
    </>
  )
}

function Occurrences({ list, zone }: { list: readonly Occurrence[]; zone: string }) {
  const own = useZone()
  if (list.length === 0) return <p>{words.preview.never}</p>
  const isOwnOther = own !== zone
  return (
    <table className="edit-times">
      <thead>
        <tr>
          <th scope="col">{zone}</th>
          {isOwnOther ? <th scope="col">{own}</th> : null}
          <th scope="col">{words.preview.when}</th>
        </tr>
      </thead>
      <tbody>
        {list.map((each) => (
          <tr key={each.scheduled_for}>
            <td>
              <Wall occurrence={each} />
            </td>
            {isOwnOther ? (
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

/** The server's word for the zone's clock; with the offset where the clock is being changed. */
function Wall({ occurrence }: { occurrence: Occurrence }) {
  return (
    <time className="mono" dateTime={occurrence.scheduled_for} title={occurrence.local}>
      {wall(occurrence.local, occurrence.dst !== null)}
    </time>
  )
}

/** Both side by side; an instant that only one of them has is marked. What lies beyond the other's
 * last one is not: it may go on there. */
export function BeforeAfter({
  before,
  after,
}: {
  before: readonly Occurrence[]
  after: readonly Occurrence[]
}) {
  return (
    <div className="edit-sides">
      <Side title={words.preview.before} list={before} other={after} mark="−" />
      <Side title={words.preview.after} list={after} other={before} mark="+" />
    </div>
  )
}

function Side({
  title,
  list,
  other,
  mark,
}: {
  title: string
  list: readonly Occurrence[]
  other: readonly Occurrence[]
  mark: '+' | '−'
}) {
  const known = new Set(other.map((each) => each.scheduled_for))
  const last = other.length < SHOWN ? undefined : other.at(-1)?.scheduled_for
  const end = last === undefined ? Number.POSITIVE_INFINITY : Date.parse(last)
  return (
    <div>
      <h3>{title}</h3>
      {list.length === 0 ? <p className="quiet">{words.preview.never}</p> : null}
      <ol className="edit-side-list">
        {list.map((each) => {
          const isBeyond = Date.parse(each.scheduled_for) > end
          const isOwn = !known.has(each.scheduled_for) && !isBeyond
          const said = mark === '+' ? words.preview.isNew : words.preview.isGone
          return (
            <li
              key={each.scheduled_for}
              className={
                isOwn ? (mark === '+' ? 'is-added' : 'is-removed') : isBeyond ? 'quiet' : undefined
              }
              title={isBeyond ? words.preview.beyond : undefined}
            >
              <span aria-hidden="true" className="mono edit-mark">
                {isOwn ? mark : ' '}
              </span>
              {isOwn ? <span className="unseen">{said}: </span> : null}
              <Wall occurrence={each} />
            </li>
          )
        })}
      </ol>
    </div>
  )
}

function ClockChanges({ list }: { list: readonly ClockChange[] }) {
  if (list.length === 0) return null
  return (
    <div className="edit-clocks">
      <h3>{words.clocks.title}</h3>
      <ul>
        {list.map((change) => (
          <li key={change.at}>
            {words.clocks.goes(wall(change.local_before), wall(change.local_after).slice(-8))}{' '}
            {words.clocks.matched(
              change.local_after > change.local_before,
              count(change.matched, 'time'),
            )}{' '}
            {words.clocks.effect[change.effect]}
          </li>
        ))}
      </ul>
    </div>
  )
}
