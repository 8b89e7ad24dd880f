import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react'
import { serverNow } from '../time/clock'
import { instant } from '../time/format'
import { useZone } from '../time/zone'
import { type Bar, pathOf, range, totals } from './bars'
import './Histogram.css'

interface Props {
  /** What is counted, for screen readers: "Events by time". */
  label: string
  /** The oldest first, all of one width; at most 1,000. */
  bars: readonly Bar[]
  /** From where to where the chart goes: its first and last bar may be cut by that. */
  from: string
  to: string
  /** The names in `counts`, from the bottom up: each is drawn in the colour of `is-<name>`. */
  series: readonly string[]
  /** The text alternative: of the whole chart, and of some of its bars. */
  words: (counts: Readonly<Record<string, number>>) => string
  onZoom: (from: string, to: string) => void
  /** Beside the words: a way back from a zoom. */
  aside?: ReactNode
}

interface Marked {
  first: number
  last: number
}

/** Counts over time. Dragged over (mouse, touch) or stepped through (keys) it names a range. */
export function Histogram({ label, bars, from, to, series, words, onZoom, aside }: Props) {
  const zone = useZone()
  const [marked, setMarked] = useState<Marked | null>(null)
  const [pointed, setPointed] = useState<number | null>(null)
  const dragged = useRef(false)
  const last = bars.length - 1

  const shown = marked ?? (pointed === null ? null : { first: pointed, last: pointed })
  const clock = (at: string) => instant(Date.parse(at), zone, serverNow())
  const told = (some: Marked) => {
    const low = Math.min(some.first, some.last)
    const high = Math.max(some.first, some.last)
    const span = range(bars, low, high, { from, to })
    return `${clock(span.from)} to ${clock(span.to)}: ${words(totals(bars.slice(low, high + 1), series))}`
  }

  function zoom(some: Marked): void {
    const span = range(bars, some.first, some.last, { from, to })
    setMarked(null)
    setPointed(null)
    if (Date.parse(span.from) < Date.parse(span.to)) onZoom(span.from, span.to)
  }

  function barAt(event: PointerEvent): number {
    const box = event.currentTarget.getBoundingClientRect()
    const at = Math.floor(((event.clientX - box.left) / box.width) * bars.length)
    return Math.max(0, Math.min(last, at))
  }

  function press(event: PointerEvent): void {
    if (event.button !== 0 || last < 0) return
    event.currentTarget.setPointerCapture(event.pointerId)
    dragged.current = true
    const at = barAt(event)
    setMarked({ first: at, last: at })
  }

  function move(event: PointerEvent): void {
    if (last < 0) return
    const at = barAt(event)
    setPointed(at)
    if (dragged.current) setMarked((before) => before && { ...before, last: at })
  }

  function release(): void {
    if (!dragged.current) return
    dragged.current = false
    if (marked) zoom(marked)
  }

  function step(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key]
    const to = { Home: 0, End: last }[event.key]
    if ((by !== undefined || to !== undefined) && last >= 0) {
      const at = to ?? Math.max(0, Math.min(last, (marked?.last ?? last - (by ?? 0)) + (by ?? 0)))
      setMarked({ first: event.shiftKey && marked ? marked.first : at, last: at })
    } else if (event.key === 'Enter' && marked) {
      zoom(marked)
    } else if (event.key === 'Escape' && marked) {
      setMarked(null)
    } else {
      return
    }
    event.preventDefault()
    event.stopPropagation()
  }

  const whole = words(totals(bars, series))
  return (
    <figure className="histogram">
      <div
        className="histogram-plot"
        role="slider"
        tabIndex={0}
        aria-label={`${label}. ${whole}. Arrow keys step, Shift extends, Enter zooms, Escape clears.`}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, last)}
        aria-valuenow={Math.max(0, marked?.last ?? last)}
        aria-valuetext={marked ? told(marked) : whole}
        onKeyDown={step}
        onBlur={() => setMarked(null)}
        onPointerDown={press}
        onPointerMove={move}
        onPointerUp={release}
        onPointerCancel={() => {
          dragged.current = false
          setMarked(null)
        }}
        onPointerLeave={() => setPointed(null)}
      >
        <svg
          viewBox={`0 0 ${Math.max(1, bars.length)} 100`}
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          {shown ? (
            <rect
              className={marked ? 'histogram-marked' : 'histogram-pointed'}
              x={Math.min(shown.first, shown.last)}
              width={Math.abs(shown.last - shown.first) + 1}
              height="100"
            />
          ) : null}
          {series.map((name, index) => (
            <path key={name} className={`is-${name}`} d={pathOf(bars, series, index)} />
          ))}
        </svg>
      </div>
      <figcaption className="histogram-foot">
        <time className="mono" dateTime={from}>
          {clock(from)}
        </time>
        <span className="histogram-words">
          <span className="clip">{shown ? told(shown) : whole}</span>
          {aside}
        </span>
        <time className="mono" dateTime={to}>
          {clock(to)}
        </time>
      </figcaption>
    </figure>
  )
}
