import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { EventDetail } from '../api/events'
import { useLives } from '../api/operations'
import { asApiError } from '../api/problem'
import { useLogged } from '../api/waited'
import { Instant, Relative } from '../time/Instant'
import { measured } from '../time/relative'
import { Button } from './Button'
import { FieldErrors } from './FieldErrors'
import { JsonText } from './JsonText'
import { LatenessRule } from './LatenessRule'
import { LifeClock } from './LifeClock'
import './OutcomeLoaded.css'
import { outcome as words } from './outcomeText'
import { Skeleton } from './Skeleton'
import { resultOf, Tag } from './Tag'
import { Trouble } from './Trouble'

interface Props {
  /** Of the event. */
  id: string
  zone: string
  /** Where the event is seen in the log. */
  way: string
  /** Of a test that has a time of its own. */
  firesAt?: string
  /** When what was tested and is not saved would fire next. */
  follows?: string | undefined
}

/** What came of a fire, in place: its event, or that it is still on its way. */
export default function OutcomeLoaded({ id, zone, way, firesAt, follows }: Props) {
  const event = useLogged(id, firesAt)
  const { data } = event
  const isSlow = !data && event.error !== null && asApiError(event.error).status === 404
  return (
    <div className="outcome" aria-busy={event.isFetching}>
      {/* Read out once: what ticks below would be read out each second. */}
      <p className="unseen" role="status">
        {data ? words.said(data) : isSlow ? words.notYet : ''}
      </p>
      {data ? (
        <Logged event={data} zone={zone} way={way} follows={follows} />
      ) : isSlow ? (
        <p className="outcome-line">
          {words.notYet} <Button onClick={() => void event.refetch()}>{words.look}</Button>
        </p>
      ) : event.failureReason ? (
        <Trouble query={event} />
      ) : firesAt ? (
        <p className="outcome-line">
          <Tag result="test" />
          <span>
            {words.fires} <Instant at={firesAt} schedule={zone} />, <Relative at={firesAt} />.
          </span>
        </p>
      ) : (
        <>
          <p className="quiet">{words.waiting}</p>
          <Skeleton rows={3} height={28} />
        </>
      )}
    </div>
  )
}

interface LoggedProps extends Pick<Props, 'zone' | 'way' | 'follows'> {
  event: EventDetail
}

function Logged({ event, zone, way, follows }: LoggedProps) {
  const became = resultOf({ ...event, is_test: false })
  const misfireAfter = useLives()?.misfire_grace_s
  return (
    <>
      <p className="outcome-line">
        {event.is_test ? <Tag result="test" word={`test, ${became}`} /> : <Tag result={became} />}
        <Link href={way}>{words.show}</Link>
      </p>
      <dl className="outcome-facts">
        {event.scheduled_for ? (
          <Fact name={words.due}>
            <Instant at={event.scheduled_for} schedule={zone} precise />
          </Fact>
        ) : null}
        {event.fired_at ? (
          <Fact name={words.fired}>
            <Instant at={event.fired_at} schedule={zone} precise />
          </Fact>
        ) : null}
        {event.lateness === null ? null : (
          <Fact name={words.lateness}>
            <span className="outcome-line">
              <span className="mono">{measured(event.lateness)}</span>
              <LatenessRule lateness={event.lateness} result={became} misfireAfter={misfireAfter} />
            </span>
          </Fact>
        )}
        {event.reason ? <Fact name={words.why}>{event.reason}</Fact> : null}
        <Fact name={words.life}>
          <LifeClock
            loggedAt={event.logged_at}
            archivesAt={event.archives_at}
            deletesAt={event.deletes_at}
            schedule={zone}
          />
        </Fact>
        {follows ? (
          <Fact name={words.follows}>
            <Instant at={follows} schedule={zone} />
          </Fact>
        ) : null}
      </dl>
      <FieldErrors errors={event.errors} />
      {event.status === 'fired' ? (
        <div>
          <h3>{words.payload}</h3>
          <JsonText name={words.payload} text={JSON.stringify(event.payload, null, 2)} />
        </div>
      ) : null}
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="outcome-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
