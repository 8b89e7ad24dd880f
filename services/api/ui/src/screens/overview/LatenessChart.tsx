import type { Stats } from '../../api/events'
import { useLives } from '../../api/operations'
import { place } from '../../parts/LatenessRule'
import { useSteps } from '../../parts/useSteps'
import { useSecond } from '../../time/clock'
import { instant } from '../../time/format'
import { Instant } from '../../time/Instant'
import { measured, setTo } from '../../time/relative'
import { useZone } from '../../time/zone'
import { words } from './text'

const HEIGHT = 88
const DECADES = ['1 ms', '10 ms', '100 ms', '1 s', '10 s', '100 s']

type Quantile = 'p50' | 'p99'

/** Lateness over time, on a log axis from 1 ms to 100 s; buckets without fires leave a gap. */
export function LatenessChart({ stats }: { stats: Stats }) {
  const shown = stats.lateness
  const misfire = useLives()?.misfire_grace_s
  const told = shown
    ? words.lateness.told(measured(shown.p50), measured(shown.p99))
    : words.lateness.none
  const buckets = stats.buckets.filter((bucket) => bucket.lateness)
  const { at, slider } = useSteps(buckets.length)
  const zone = useZone()
  const now = useSecond() * 1000
  const bucket = at === null ? null : (buckets[at] ?? null)
  const own = bucket?.lateness ? words.lateness.told(...quantiles(bucket.lateness)) : told
  const from = bucket ? `${instant(Date.parse(bucket.from), zone, now)}: ` : ''
  return (
    <figure className="chart">
      <div className="chart-steps" {...slider(words.lateness.steps, `${from}${own}`)}>
        <svg
          className="chart-area"
          viewBox={`0 0 1000 ${HEIGHT}`}
          preserveAspectRatio="none"
          height={HEIGHT}
          aria-hidden="true"
        >
          {DECADES.map((decade, index) => {
            const y = HEIGHT - (index / (DECADES.length - 1)) * HEIGHT
            return <path key={decade} className="chart-grid" d={`M0 ${y}H1000`} />
          })}
          {misfire === undefined ? null : (
            <path className="chart-misfire" d={`M0 ${level(misfire)}H1000`} />
          )}
          <path className="chart-line is-p99" d={line(stats, 'p99')} />
          <path className="chart-line is-p50" d={line(stats, 'p50')} />
          {bucket ? (
            <path className="chart-at" d={`M${middle(stats, bucket)} 0V${HEIGHT}`} />
          ) : null}
        </svg>
      </div>
      <figcaption className="chart-caption">
        <span>
          {bucket ? <Instant at={bucket.from} /> : null} {own}
        </span>
        <span className="quiet">{words.lateness.axis(setTo(misfire))}</span>
      </figcaption>
    </figure>
  )
}

type Bucket = Stats['buckets'][number]

const quantiles = ({ p50, p99 }: { p50: number; p99: number }): [string, string] => [
  measured(p50),
  measured(p99),
]

const middle = (stats: Stats, bucket: Bucket): number =>
  ((stats.buckets.indexOf(bucket) + 0.5) / Math.max(1, stats.buckets.length)) * 1000

function level(seconds: number): number {
  return HEIGHT - 2 - place(seconds) * (HEIGHT - 4)
}

/** Steps as wide as a bucket: a single one is seen, too. */
function line(stats: Stats, quantile: Quantile): string {
  const width = 1000 / Math.max(1, stats.buckets.length)
  let isDrawing = false
  return stats.buckets
    .map((bucket, index) => {
      if (!bucket.lateness) {
        isDrawing = false
        return ''
      }
      const y = level(bucket.lateness[quantile]).toFixed(1)
      const begin = `${isDrawing ? 'L' : 'M'}${(index * width).toFixed(1)} ${y}`
      isDrawing = true
      return `${begin}H${((index + 1) * width).toFixed(1)}`
    })
    .join('')
}
