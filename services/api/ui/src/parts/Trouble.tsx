import { useEffect, useState } from 'react'
import { asApiError } from '../api/problem'
import { askAgain, waitS } from '../api/queries'
import { count, text } from '../text'
import { serverNow, useSecond } from '../time/clock'
import { span } from '../time/relative'
import { Button } from './Button'
import { isFocusFree } from './heir'
import { Failed, Stale } from './States'

export interface Asked {
  data: unknown
  error: unknown
  failureCount: number
  failureReason: unknown
  dataUpdatedAt: number
}

/** Whether a query's last answer was none: it is tried again, or has been given up. */
export const isInTrouble = (query: Asked): boolean => query.failureCount > 0 || query.error !== null

/** What a query that fails says: above what is shown still, or in place of it. Nothing if all is well. */
export function Trouble({ query }: { query: Asked }) {
  const error = query.failureReason ?? query.error
  if (!isInTrouble(query) || !error) return null
  if (query.data !== undefined) {
    return (
      <Stale
        error={error}
        since={query.dataUpdatedAt}
        failures={query.failureCount}
        onRetry={askAgain}
      />
    )
  }
  if (!asApiError(error).isAway) return <Failed error={error} onRetry={askAgain} />
  return <Away error={error} failures={query.failureCount} />
}

let isPressed = false

/** While it is asked again its button is not there: the next one takes the focus. */
function again(): void {
  isPressed = true
  askAgain()
}

/** Nobody answers: when it is asked next, and how often it was. */
function Away({ error, failures }: { error: unknown; failures: number }) {
  const known = asApiError(error)
  const now = useSecond()
  const [failedAt, setFailedAt] = useState(now)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each failure begins the wait anew
  useEffect(() => setFailedAt(serverNow() / 1000), [failures])
  useEffect(() => {
    isPressed = false
  }, [])
  const left = Math.max(0, Math.ceil(failedAt + waitS(error, failures - 1) - now))
  return (
    <div className="state" role="alert">
      <h2>{text.state.away}</h2>
      <p>{known.detail}</p>
      <p className="quiet" aria-live="off">
        Tried {count(failures, 'time')}. {left > 0 ? `Again in ${span(left)}.` : 'Trying now.'}
      </p>
      <Button onClick={again} autoFocus={isPressed && isFocusFree()}>
        Try now
      </Button>
    </div>
  )
}
