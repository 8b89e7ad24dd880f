import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { type EventDetail, readEvent } from '../../api/events'
import { EXACT } from '../../api/exact'
import { asApiError } from '../../api/problem'
import { Button } from '../../parts/Button'
import { JsonText } from '../../parts/JsonText'
import { LatenessRule } from '../../parts/LatenessRule'
import { LifeClock } from '../../parts/LifeClock'
import { Skeleton } from '../../parts/Skeleton'
import { resultOf, Tag } from '../../parts/Tag'
import { Trouble } from '../../parts/Trouble'
import { Instant } from '../../time/Instant'
import { measured } from '../../time/relative'
import { FieldErrors } from './FieldErrors'
import { eventWay } from './Recent'
import { words } from './text'

/** The event that was fired, as soon as the log has it. */
export function Outcome({ eventId, zone }: { eventId: string; zone: string }) {
  const event = useQuery({
    queryKey: ['/events', eventId, 'waited'],
    queryFn: ({ signal }) => readEvent(eventId, '10s', signal),
    staleTime: Number.POSITIVE_INFINITY,
    ...EXACT,
  })
  const isSlow = !event.data && event.error !== null && asApiError(event.error).status === 404
  const { data } = event
  return (
    <>
      {/* Read out once: what ticks below would be read out each second. */}
      <p className="unseen" role="status">
        {data ? words.test.said(data.is_test, data.status) : isSlow ? words.test.slow : ''}
      </p>
      {data ? (
        <Shown event={data} zone={zone} />
      ) : isSlow ? (
        <>
          <p>{words.test.slow}</p>
          <Button onClick={() => void event.refetch()}>{words.test.look}</Button>
        </>
      ) : event.failureReason ? (
        <Trouble query={event} />
      ) : (
        <>
          <p className="quiet">{words.test.waiting}</p>
          <Skeleton rows={3} height={28} />
        </>
      )}
    </>
  )
}

function Shown({ event, zone }: { event: EventDetail; zone: string }) {
  const result = resultOf(event)
  return (
    <div className="outcome">
      <div className="outcome-head">
        <Tag result={result} word={event.is_test ? `test, ${event.status}` : event.status} />
        <Link href={eventWay(event)}>{words.test.open}</Link>
      </div>
      <dl className="outcome-facts">
        {event.scheduled_for ? (
          <Fact name={words.test.due}>
            <Instant at={event.scheduled_for} schedule={zone} precise />
          </Fact>
        ) : null}
        {event.fired_at ? (
          <Fact name={words.test.fired}>
            <Instant at={event.fired_at} schedule={zone} precise />
          </Fact>
        ) : null}
        {event.lateness === null ? null : (
          <Fact name={words.test.late}>
            <span className="mono">{measured(event.lateness)}</span>
            <LatenessRule lateness={event.lateness} result={result} />
          </Fact>
        )}
        {event.reason ? <Fact name={words.test.wrong}>{event.reason}</Fact> : null}
        <Fact name={words.test.life}>
          <LifeClock
            loggedAt={event.logged_at}
            archivesAt={event.archives_at}
            deletesAt={event.deletes_at}
            schedule={zone}
          />
        </Fact>
      </dl>
      <FieldErrors errors={event.errors} />
      {event.status === 'fired' ? (
        <div>
          <h3>{words.test.merged}</h3>
          <JsonText name={words.test.merged} text={JSON.stringify(event.payload, null, 2)} />
        </div>
      ) : null}
    </div>
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
