import type { Attempt } from '../../api/events'
import { Instant } from '../../time/Instant'
import { measured, span } from '../../time/relative'
import './Try.css'
import { words } from './text'

const said = words.delivery

interface Props {
  /** Of a delivery, or a test of a target, which is the first of none. */
  attempt: Pick<
    Attempt,
    'started_at' | 'duration_ms' | 'outcome' | 'code' | 'status' | 'excerpt' | 'retry_after_s'
  > & { attempt?: number }
  zone: string | null
}

/** One attempt: when, what came of it, how long it took, and what came back. */
export function Try({ attempt, zone }: Props) {
  const isDelivered = attempt.outcome === 'delivered'
  const { excerpt, retry_after_s } = attempt
  return (
    <div className="attempt">
      <p className="attempt-line">
        {attempt.attempt === undefined ? null : (
          <span className="mono quiet">{attempt.attempt}</span>
        )}
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
    </div>
  )
}

/** What came of it: a status says more than that it was one. */
function resultOf({ outcome, code, status }: Props['attempt']): string {
  const answer = status === null ? null : said.answered(status)
  if (outcome === 'delivered') return [said.delivered, answer].filter(Boolean).join(', ')
  if (code === null || (code === 'status' && answer)) return answer ?? outcome
  return [said.codes[code], answer].filter(Boolean).join(', ')
}
