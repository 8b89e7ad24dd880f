import { place } from './LatenessRule'
import './Marks.css'
import { resultOf } from './Tag'

interface Point {
  event_id: string
  status: string
  lateness: number | null
}

const STEP = 5.5
const HEIGHT = 22
const SLOTS = 24

/** A trigger's newest results, the newest at the right: bars by lateness, rings for what did not fire. */
export function Sparkline({ points, label }: { points: readonly Point[]; label: string }) {
  const shown = points.slice(-SLOTS)
  const first = SLOTS - shown.length
  return (
    <svg className="sparkline" width={SLOTS * STEP} height={HEIGHT} role="img" aria-label={label}>
      <path className="rule-axis" d={`M0 ${HEIGHT - 0.5}H${SLOTS * STEP}`} />
      {shown.map((point, index) => {
        const result = resultOf({ ...point, is_test: false })
        const x = (first + index) * STEP
        if (result === 'missed' || result === 'rejected') {
          return (
            <circle
              key={point.event_id}
              className={`is-${result}`}
              cx={x + 2}
              cy={HEIGHT - 4}
              r="1.9"
              fill="none"
              stroke="currentColor"
              strokeWidth="1.4"
            />
          )
        }
        const height = 2 + place(point.lateness ?? 0) * (HEIGHT - 4)
        return (
          <rect
            key={point.event_id}
            className={`is-${result}`}
            x={x}
            y={HEIGHT - 1 - height}
            width="3.6"
            height={height}
            fill="currentColor"
          />
        )
      })}
    </svg>
  )
}
