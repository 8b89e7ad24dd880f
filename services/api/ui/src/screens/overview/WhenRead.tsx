import type { ReactNode } from 'react'
import { asApiError } from '../../api/problem'
import { askAgain } from '../../api/queries'
import { Button } from '../../parts/Button'
import { type Asked, isInTrouble } from '../../parts/Trouble'
import { text } from '../../text'
import { useSecond } from '../../time/clock'
import { span } from '../../time/relative'
import { words } from './text'

interface Props<T> {
  of: Asked & { data: T | undefined }
  /** Of the final size. */
  skeleton: ReactNode
  children: (data: T) => ReactNode
}

/** A part of the overview: what was read, however old, and below it why nothing newer is there.
 *
 * One line, and no live region: that the platform is away is told once, above all parts.
 */
export function WhenRead<T>({ of, skeleton, children }: Props<T>) {
  const isOld = isInTrouble(of)
  return (
    <>
      {of.data !== undefined ? (
        <div className={isOld ? 'overview-part is-stale' : 'overview-part'}>
          {children(of.data)}
        </div>
      ) : isOld ? null : (
        skeleton
      )}
      {isOld ? <Old query={of} /> : null}
    </>
  )
}

/** What was asked for otherwise before has no age here. */
const ageOf = ({ dataUpdatedAt }: Asked, now: number): string =>
  text.state.stale(dataUpdatedAt > 0 ? span(now - dataUpdatedAt / 1000) : null)

function Old({ query }: { query: Asked }) {
  const now = useSecond()
  const known = asApiError(query.failureReason ?? query.error)
  return (
    <p className="overview-old">
      <span>
        {query.data !== undefined ? ageOf(query, now) : known.isAway ? words.notRead : known.detail}
      </span>
      <Button kind="quiet" onClick={askAgain}>
        {text.state.retry}
      </Button>
    </p>
  )
}
