import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import type { EventRow } from '../../api/events'
import { useLives } from '../../api/operations'
import { useSecond } from '../../time/clock'
import { setTo, span } from '../../time/relative'
import { useZone } from '../../time/zone'
import { AxisMark } from './AxisMark'
import { Card } from './Card'
import { type Mark, place, scaleFor, ticks } from './marks'
import { Readout, sayMark } from './Readout'
import { words } from './text'
import { useWidth } from './useWidth'

const HEIGHT = 84
const LINE = 44
const EDGE = 34

interface Props {
  marks: readonly Mark[]
  /** What is on it by now is all: nothing on it is nothing at all. */
  isWhole: boolean
  zone: string
  arrived: readonly EventRow[]
  onOpen: (row: EventRow) => void
}

/** What it did and what it will do on one axis, with now in the middle.
 *
 * For keys and screen readers it is a slider over the marks; below stands what the chosen one is.
 */
export function Axis({ marks, isWhole, zone, arrived, onOpen }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const now = useSecond() * 1000
  const kept = setTo(useLives()?.kept_for_s)
  const nothing = isWhole ? words.axis.nothing(kept) : words.axis.reading
  const [chosen, setChosen] = useState<string | null>(null)
  const markZone = useZone(zone)
  const scale = scaleFor(marks, now)
  const fresh = new Set(arrived.map((row) => row.id))

  const x = (at: number) => EDGE + place(at, now, scale) * (width - 2 * EDGE)
  const inSight = marks.filter((mark) => {
    const where = place(mark.at, now, scale)
    return where >= -0.02 && where <= 1.02
  })
  // Before any is chosen: the next to come, else the newest event.
  const usual = inSight.findIndex((mark) => mark.kind === 'due')
  const found = inSight.findIndex((mark) => mark.key === chosen)
  const index = found >= 0 ? found : usual >= 0 ? usual : inSight.length - 1
  const mark = inSight[index] ?? null

  function step(event: KeyboardEvent): void {
    const to = {
      ArrowRight: index + 1,
      ArrowUp: index + 1,
      ArrowLeft: index - 1,
      ArrowDown: index - 1,
      Home: 0,
      End: inSight.length - 1,
    }[event.key]
    if (to !== undefined) {
      event.preventDefault()
      setChosen(inSight[Math.min(Math.max(to, 0), inSight.length - 1)]?.key ?? null)
    } else if (event.key === 'Enter' && mark && mark.kind !== 'due') {
      onOpen(mark.row)
    }
  }

  function point(event: PointerEvent<HTMLElement>): void {
    const at = event.clientX - event.currentTarget.getBoundingClientRect().left
    const far = (each: Mark) => Math.abs(x(each.at) - at)
    const nearest = inSight.reduce<Mark | null>(
      (best, each) => (best === null || far(each) < far(best) ? each : best),
      null,
    )
    if (nearest) setChosen(nearest.key)
  }

  return (
    <Card
      className="card axis"
      title={words.axis.title}
      aside={<span className="quiet axis-hint">{words.axis.hint}</span>}
    >
      <div
        ref={frame}
        className="axis-frame"
        role="slider"
        tabIndex={0}
        aria-label={words.axis.label}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, inSight.length - 1)}
        aria-valuenow={Math.max(0, index)}
        aria-valuetext={mark ? sayMark(mark, now, markZone) : nothing}
        onKeyDown={step}
        onPointerDown={point}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          <rect
            className="axis-past"
            x="0"
            y="14"
            width={Math.max(0, width / 2)}
            height={HEIGHT - 34}
          />
          <path className="axis-line" d={`M0 ${LINE}H${width}`} />
          {ticks(scale).map((each) => (
            <g key={each}>
              <path className="axis-tick" d={`M${x(now + each * 1000)} ${LINE - 4}v8`} />
              <text
                className="chart-text"
                x={x(now + each * 1000)}
                y={HEIGHT - 6}
                textAnchor="middle"
              >
                {each < 0 ? '−' : '+'}
                {span(each)}
              </text>
            </g>
          ))}
          <path className="axis-now" d={`M${width / 2} 14V${HEIGHT - 20}`} />
          <text
            className="chart-text axis-now-word"
            x={width / 2}
            y={HEIGHT - 6}
            textAnchor="middle"
          >
            {words.axis.now}
          </text>
          {width === 0
            ? null
            : inSight.map((each) => (
                <AxisMark
                  key={each.key}
                  mark={each}
                  x={x(each.at)}
                  from={Math.max(0, x(each.from))}
                  y={LINE}
                  isChosen={each.key === mark?.key}
                  isFresh={fresh.has(each.key)}
                  isOver={each.kind === 'due' && each.at < now}
                />
              ))}
        </svg>
      </div>
      <Readout mark={mark} zone={zone} now={now} nothing={nothing} onOpen={onOpen} />
    </Card>
  )
}
