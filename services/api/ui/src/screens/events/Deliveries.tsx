import { Link } from 'wouter'
import type { Attempt, Delivery, EventDetail } from '../../api/events'
import { useTargetsById } from '../../api/targets'
import { type Result, Tag } from '../../parts/Tag'
import { Instant, Relative } from '../../time/Instant'
import { measured, span } from '../../time/relative'
import { nameOf } from '../targets/place'
import { words } from './text'

const said = words.delivery

/** By the signs that the log has already: arrived, on its way, given up, never sent. */
const SIGNS: Readonly<Record<Delivery['state'], Result>> = {
  delivered: 'fired',
  pending: 'late',
  dead: 'rejected',
  blocked: 'missed',
}

/** Where an event was delivered, or is to be: what was sent, what came back, when it is tried next. */
export function Deliveries({ event, zone }: { event: EventDetail; zone: string | null }) {
  const { deliveries } = event
  const read = useTargetsById(deliveries.map(({ target_id }) => target_id))
  const names = new Map(read.data?.map((target) => [target.id, nameOf(target)]))
  return (
    <ul className="deliveries">
      {deliveries.map((delivery) => (
        <li key={delivery.id} className="delivery">
          <p className="delivery-line">
            <Tag result={SIGNS[delivery.state]} word={words.deliveries[delivery.state]} />
            <Link href={`/targets/${delivery.target_id}`} className="clip">
              {names.get(delivery.target_id) ?? (read.isPending ? '' : delivery.target_id)}
            </Link>
            <span className="quiet">
              {said.attempts(delivery.attempt_count)}
              {delivery.round > 1 ? `, ${said.rounds(delivery.round)}` : ''}
            </span>
          </p>
          <Outlook delivery={delivery} zone={zone} />
          {delivery.attempts.length > 0 ? (
            <details open={delivery.state !== 'delivered'}>
              <summary>{said.tries}</summary>
              <ol className="attempts">
                {delivery.attempts.map((attempt) => (
                  <Try
                    key={`${attempt.round} ${attempt.attempt} ${attempt.epoch}`}
                    attempt={attempt}
                    zone={zone}
                  />
                ))}
              </ol>
            </details>
          ) : null}
        </li>
      ))}
    </ul>
  )
}

/** Why it ended, or what it waits for and when it is tried next. */
function Outlook({ delivery, zone }: { delivery: Delivery; zone: string | null }) {
  const { waits_for, next_attempt_at } = delivery
  if (delivery.reason) return <p>{said.reasons[delivery.reason]}</p>
  if (delivery.state !== 'pending') return null
  // What else is in its way ends at a time that nobody knows.
  const isTimed = waits_for === null || waits_for === 'schedule'
  return (
    <p>
      {waits_for ? <span className="quiet">{said.waits[waits_for]} </span> : null}
      {isTimed && next_attempt_at ? (
        <>
          {said.next} <Instant at={next_attempt_at} schedule={zone} /> (
          <Relative at={next_attempt_at} due={said.dueNow} />)
        </>
      ) : null}
    </p>
  )
}

function Try({ attempt, zone }: { attempt: Attempt; zone: string | null }) {
  const isDelivered = attempt.outcome === 'delivered'
  const { excerpt, retry_after_s } = attempt
  return (
    <li className="attempt">
      <p className="attempt-line">
        <span className="mono quiet">{attempt.attempt}</span>
        <Instant at={attempt.started_at} schedule={zone} precise />
        <span className={isDelivered ? 'is-fired' : 'is-rejected'}>{resultOf(attempt)}</span>
        <span className="mono quiet">{measured(attempt.duration_ms / 1000)}</span>
        {retry_after_s === null ? null : (
          <span className="quiet">{said.asked(span(retry_after_s))}</span>
        )}
      </p>
      {excerpt ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
        <pre className="attempt-excerpt" role="region" tabIndex={0} aria-label={said.excerpt}>
          {excerpt}
        </pre>
      ) : null}
    </li>
  )
}

/** What came of it: a status says more than that it was one. */
function resultOf({ outcome, code, status }: Attempt): string {
  const answer = status === null ? null : said.answered(status)
  if (outcome === 'delivered') return [said.delivered, answer].filter(Boolean).join(', ')
  if (code === null || (code === 'status' && answer)) return answer ?? outcome
  return [said.codes[code], answer].filter(Boolean).join(', ')
}
