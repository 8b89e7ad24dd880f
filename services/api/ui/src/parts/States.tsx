/** What a screen shows in place of its content, always with a way on. */
import type { ReactNode } from 'react'
import { asApiError } from '../api/problem'
import { text } from '../text'
import { useSecond } from '../time/clock'
import { span } from '../time/relative'
import { Button } from './Button'
import { ErrorCode } from './ErrorCode'
import './States.css'

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

/** A refusal or a failure: what, why, and how to go on. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const known = asApiError(error)
  return (
    <div className="state" role="alert">
      <h2>{known.isAway ? text.state.away : text.state.failed}</h2>
      <p>{known.detail}</p>
      <ErrorCode error={known} />
      {onRetry ? <Button onClick={onRetry}>{text.state.retry}</Button> : null}
    </div>
  )
}

/** A part of the page itself that nobody delivers at the moment. */
export function NotLoaded({ failures, onRetry }: { failures: number; onRetry: () => void }) {
  return (
    <div className="state">
      {/* Told once: what counts would be read out each time. */}
      <div role="alert">
        <h2>{text.notLoaded}</h2>
        <p>{text.notLoadedHint}</p>
      </div>
      <p className="quiet">{text.state.trying(failures)}</p>
      <Button onClick={onRetry}>{text.state.retry}</Button>
    </div>
  )
}

/** Above data that could not be read again: how old it is, and when it is tried next. */
export function Stale({
  error,
  since,
  failures,
  onRetry,
}: {
  error: unknown
  since: number
  failures: number
  onRetry: () => void
}) {
  const now = useSecond()
  const known = asApiError(error)
  return (
    <div className="stale">
      {/* Told once: what ticks would be read out each second. */}
      <span role="status">{known.isAway ? text.state.away : known.detail}.</span>
      <span>{text.state.stale(since > 0 ? span(now - since / 1000) : null)}</span>
      <span className="quiet">{text.state.trying(failures)}</span>
      <Button onClick={onRetry}>{text.state.retry}</Button>
    </div>
  )
}
