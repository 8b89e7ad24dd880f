import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { Schemas } from '../../api/client'
import { type EventDetail, readEvent } from '../../api/events'
import { EXACT } from '../../api/exact'
import { asApiError } from '../../api/problem'
import { Button } from '../../parts/Button'
import { JsonText } from '../../parts/JsonText'
import { LatenessRule } from '../../parts/LatenessRule'
import { LifeClock } from '../../parts/LifeClock'
import { resultOf, Tag } from '../../parts/Tag'
import { serverNow } from '../../time/clock'
import { Instant, Relative } from '../../time/Instant'
import { measured } from '../../time/relative'
import { pretty } from './json'
import { words } from './text'
import './TestResult.css'

type Test = Schemas['TestAccepted']

/** Asked for once it fires, and not before: the answer waits for the event to be written. */
async function wait(test: Test, signal: AbortSignal): Promise<EventDetail> {
  const early = Date.parse(test.fires_at) - serverNow() - 1_000
  if (early > 0) await pause(early, signal)
  return readEvent(test.event_id, '20s', signal)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}

/** What became of a test, in place. */
export function TestResult({ test, zone }: { test: Test; zone: string }) {
  const event = useQuery({
    queryKey: ['/events', test.event_id, 'tested'],
    queryFn: ({ signal }) => wait(test, signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    ...EXACT,
  })
  return (
    <div className="edit-result" aria-busy={event.isFetching}>
      {/* Read out once: what ticks below would be read out each second. */}
      <p className="unseen" role="status">
        {event.data ? words.test.said(event.data.status) : ''}
      </p>
      {event.data ? (
        <Found event={event.data} test={test} zone={zone} />
      ) : event.isError ? (
        <p>
          {asApiError(event.error).status === 404
            ? words.test.tooFar
            : asApiError(event.error).detail}{' '}
          <Button onClick={() => void event.refetch()}>{words.test.again}</Button>
        </p>
      ) : (
        <p className="edit-waiting">
          <Tag result="test" />
          <span>
            {words.test.waiting} <Instant at={test.fires_at} schedule={zone} />,{' '}
            <Relative at={test.fires_at} />.
          </span>
        </p>
      )}
    </div>
  )
}

function Found({ event, test, zone }: { event: EventDetail; test: Test; zone: string }) {
  const plain = { ...event, is_test: false }
  return (
    <>
      <p className="edit-waiting">
        <Tag result="test" word={`test, ${resultOf(plain)}`} />
        <Link href={`/events/${event.id}`}>{words.test.show}</Link>
      </p>
      <dl className="edit-facts">
        <Fact name={words.test.due}>
          {event.scheduled_for ? (
            <Instant at={event.scheduled_for} schedule={zone} precise />
          ) : (
            words.test.none
          )}
        </Fact>
        <Fact name={words.test.fired}>
          {event.fired_at ? (
            <Instant at={event.fired_at} schedule={zone} precise />
          ) : (
            words.test.none
          )}
        </Fact>
        <Fact name={words.test.lateness}>
          {event.lateness === null ? (
            words.test.none
          ) : (
            <span className="edit-lateness">
              <span className="mono">{measured(event.lateness)}</span>
              <LatenessRule lateness={event.lateness} result={resultOf(plain)} />
            </span>
          )}
        </Fact>
        {event.reason ? <Fact name={words.test.why}>{event.reason}</Fact> : null}
        {event.errors.map(({ pointer, message }) => (
          <Fact key={pointer + message} name={pointer}>
            {message}
          </Fact>
        ))}
        <Fact name={words.test.life}>
          <LifeClock
            loggedAt={event.logged_at}
            archivesAt={event.archives_at}
            deletesAt={event.deletes_at}
          />
        </Fact>
        {test.next_fires[0] ? (
          <Fact name={words.test.follows}>
            <Instant at={test.next_fires[0]} schedule={zone} />
          </Fact>
        ) : null}
      </dl>
      <h3>{words.test.payload}</h3>
      <JsonText name={words.test.payload} text={pretty(event.payload)} />
    </>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt className="quiet">{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
