import './Marks.css'
import type { Result } from './Tag'

const WIDTH = 160
const LOW = 0.001
const DECADES = 5

/** Where a lateness stands between 1 ms (0) and 100 s (1), by its logarithm. */
export function place(seconds: number): number {
  const at = Math.log10(Math.max(seconds, LOW) / LOW) / DECADES
  return Math.min(1, Math.max(0, at))
}

interface Props {
  lateness: number | null
  result: Result
  /** Seconds from which a fire counts as a misfire; undefined while the platform did not tell. */
  misfireAfter: number | undefined
}

/** A row's lateness on one axis from 1 ms to 100 s, with the line from which it is a misfire.
 *
 * The words beside it say the same; this is for the eye alone.
 */
export function LatenessRule({ lateness, result, misfireAfter }: Props) {
  const x = (at: number) => 4 + at * (WIDTH - 8)
  const at = lateness === null ? null : x(place(lateness))
  return (
    <svg className="rule" width={WIDTH} height="16" viewBox={`0 0 ${WIDTH} 16`} aria-hidden="true">
      <path className={at === null ? 'rule-axis is-empty' : 'rule-axis'} d={`M4 8H${WIDTH - 4}`} />
      {[1, 2, 3, 4].map((tick) => (
        <path key={tick} className="rule-tick" d={`M${x(tick / DECADES)} 6v4`} />
      ))}
      {misfireAfter === undefined ? null : (
        <path className="rule-misfire" d={`M${x(place(misfireAfter))} 2v12`} />
      )}
      {at === null ? null : (
        <g className={`is-${result}`}>
          <path d={`M4 8H${at}`} stroke="currentColor" strokeWidth="2" />
          <circle cx={at} cy="8" r="3.5" fill="currentColor" />
        </g>
      )}
    </svg>
  )
}
