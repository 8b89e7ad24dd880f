/** Spans in words: pure, and the same wherever one is shown. */

const UNITS = [
  ['y', 365 * 86_400],
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** Two units at the most, the smaller one only below ten of the larger: `1 h 59 min`, `3 y 58 d`. */
export function span(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds))
  const first = UNITS.findIndex(([, size]) => whole >= size)
  if (first === -1) return '0 s'
  const [unit, size] = UNITS[first] ?? UNITS[4]
  const count = Math.floor(whole / size)
  const next = UNITS[first + 1]
  const rest = next ? Math.floor((whole - count * size) / next[1]) : 0
  return next && rest > 0 ? `${count} ${unit} ${rest} ${next[0]}` : `${count} ${unit}`
}

/** `in 23 s`, `4 min ago`, `now`. */
export function relative(at: number, now: number): string {
  const seconds = (at - now) / 1000
  if (Math.abs(seconds) < 1) return 'now'
  return seconds > 0 ? `in ${span(seconds)}` : `${span(seconds)} ago`
}

/** What the platform was set to, exactly and as it is set: `48 h`, `1 h 30 min`, `0.5 s`; null while
 * it is not known. */
export function setTo(seconds: number | undefined): string | null {
  if (seconds === undefined) return null
  if (seconds < 60 && !Number.isInteger(seconds)) return `${Number(seconds.toPrecision(6))} s`
  const whole = Math.round(seconds)
  const parts = [
    [Math.floor(whole / 3_600), 'h'],
    [Math.floor((whole % 3_600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`)
  return told.join(' ') || '0 s'
}

/** A measured length: `0.9 ms`, `41.0 s`, `3 min 12 s`. */
export function measured(seconds: number): string {
  if (seconds < 0.9995) {
    const ms = seconds * 1000
    return `${ms < 99.95 ? ms.toFixed(1) : Math.round(ms)} ms`
  }
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return span(seconds)
}
