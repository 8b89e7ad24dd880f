import { useRef } from 'react'
import type { EventRow } from '../../api/events'
import { useLives } from '../../api/operations'
import { place } from '../../parts/LatenessRule'
import { resultOf } from '../../parts/Tag'
import { useSteps } from '../../parts/useSteps'
import { useSecond } from '../../time/clock'
import { instant } from '../../time/format'
import { measured, setTo } from '../../time/relative'
import { useZone } from '../../time/zone'
import { Card } from './Card'
import { detailOf } from './Recent'
import { words } from './text'
import { useWidth } from './useWidth'

const HEIGHT = 96
const LEFT = 44
const MOST = 60
const LINES = [
  [0.001, '1 ms'],
  [0.01, '10 ms'],
  [0.1, '0.1 s'],
  [1, '1 s'],
  [10, '10 s'],
  [100, '100 s'],
] as const

const y = (seconds: number): number => HEIGHT - 8 - place(seconds) * (HEIGHT - 16)

/** How late its last scheduled fires were, the newest at the right, from 1 ms to 100 s. */
export function Lateness({ rows, zone }: { rows: readonly EventRow[]; zone: string }) {
  const fires = rows
    .filter((row) => !row.is_test && row.lateness !== null)
    .slice(0, MOST)
    .reverse()
  const sorted = fires.map((row) => row.lateness ?? 0).sort((a, b) => a - b)
  const lives = useLives()
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const step = (width - LEFT - 12) / MOST
  const shown = useZone(zone)
  const now = useSecond() * 1000
  const { at, slider } = useSteps(fires.length)
  const chosen = at === null ? null : (fires[at] ?? null)
  const whole = words.lateness.label(
    fires.length,
    measured(sorted[Math.floor(sorted.length / 2)] ?? 0),
    measured(sorted.at(-1) ?? 0),
  )
  const said = chosen
    ? `${instant(Date.parse(chosen.scheduled_for ?? chosen.logged_at), shown, now)}: ${detailOf(chosen)}`
    : whole
  return (
    <Card title={words.lateness.title}>
      <div ref={frame} className="lateness-frame">
        {fires.length === 0 ? (
          <p>{words.lateness.none(setTo(lives?.kept_for_s))}</p>
        ) : (
          <div {...slider(words.lateness.steps, said)}>
            <svg className="lateness" width={width} height={HEIGHT} aria-hidden="true">
              {LINES.map(([seconds, label]) => (
                <g key={label}>
                  <path className="rule-axis" d={`M${LEFT} ${y(seconds)}H${width}`} />
                  <text className="chart-text" x={LEFT - 6} y={y(seconds) + 4} textAnchor="end">
                    {label}
                  </text>
                </g>
              ))}
              {lives ? (
                <path
                  className="rule-misfire"
                  d={`M${LEFT} ${y(lives.misfire_grace_s)}H${width}`}
                />
              ) : null}
              {fires.map((row, index) => (
                <circle
                  key={row.id}
                  className={`is-${resultOf(row)}`}
                  cx={width - 8 - (fires.length - 1 - index) * step}
                  cy={y(row.lateness ?? 0)}
                  r={row === chosen ? 5 : 2.6}
                  fill="currentColor"
                />
              ))}
            </svg>
            <p className="quiet">{said}</p>
          </div>
        )}
      </div>
    </Card>
  )
}
