import { asApiError } from '../api/problem'
import { askAgain } from '../api/queries'
import { text } from '../text'
import { useSecond } from '../time/clock'
import { span } from '../time/relative'
import { Button } from './Button'
import './NotRead.css'
import type { Asked } from './Trouble'

/** One line of a part of a screen that was not read, or not again: how old it is, and the way on. */
export function NotRead({ query }: { query: Asked }) {
  const now = useSecond()
  const known = asApiError(query.failureReason ?? query.error)
  return (
    <p className="not-read">
      <span>
        {query.data !== undefined
          ? ageOf(query, now)
          : known.isAway
            ? text.state.notRead
            : known.detail}
      </span>
      <Button kind="quiet" onClick={askAgain}>
        {text.state.retry}
      </Button>
    </p>
  )
}

/** What was asked for otherwise before has no age here. */
const ageOf = ({ dataUpdatedAt }: Asked, now: number): string =>
  text.state.stale(dataUpdatedAt > 0 ? span(now - dataUpdatedAt / 1000) : null)
