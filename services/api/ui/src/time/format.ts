/** Instants on the clock of a zone, by the browser's rules: for what happened, not for schedules. */

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options)
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options })
    formats.set(key, found)
  }
  return found
}

/** Whether this browser has rules for the zone: the server's list is longer. */
export function isKnownZone(zone: string): boolean {
  try {
    format(zone, { hour: '2-digit' })
    return true
  } catch {
    return false
  }
}

export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const

const parts = (zone: string, options: Intl.DateTimeFormatOptions, at: number) =>
  Object.fromEntries(
    format(zone, options)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  )

/** `Mon 30 Nov`, with the year where it is another one than `now`'s. */
export function date(at: number, zone: string, now: number): string {
  const own = parts(zone, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }, at)
  const year = parts(zone, { year: 'numeric' }, now).year
  const shown = `${own.weekday} ${own.day} ${own.month}`
  return own.year === year ? shown : `${shown} ${own.year}`
}

/** `09:41:00`, or with milliseconds. */
export function clock(at: number, zone: string, precise = false): string {
  const own = parts(zone, CLOCK, at)
  const shown = `${own.hour}:${own.minute}:${own.second}`
  return precise ? `${shown}.${String(((at % 1000) + 1000) % 1000).padStart(3, '0')}` : shown
}

/** Minutes that the zone's clock is ahead of UTC at an instant. */
export function offsetMinutes(at: number, zone: string): number {
  const own = parts(zone, { ...CLOCK, year: 'numeric', month: '2-digit', day: '2-digit' }, at)
  const shown = Date.UTC(
    Number(own.year),
    Number(own.month) - 1,
    Number(own.day),
    Number(own.hour),
    Number(own.minute),
    Number(own.second),
  )
  return Math.round((shown - Math.floor(at / 1000) * 1000) / 60_000)
}

/** `+01:00`. */
export function offset(at: number, zone: string): string {
  return offsetText(offsetMinutes(at, zone))
}

export function offsetText(minutes: number): string {
  const abs = Math.abs(minutes)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(abs / 60))}:${two(abs % 60)}`
}

/** Whether the zone's clock shows this time twice: an instant is told by its offset then. */
export function isAmbiguous(at: number, zone: string): boolean {
  const here = offsetMinutes(at, zone)
  // A clock put back by n minutes repeats the n minutes before and after the change.
  return [-180, 180].some((minutes) => {
    const there = offsetMinutes(at + minutes * 60_000, zone)
    const twin = at + (here - there) * 60_000
    return there !== here && twin !== at && offsetMinutes(twin, zone) === there
  })
}

/** The whole of it: date where it is not today's, time, offset where the time comes twice. */
export function instant(at: number, zone: string, now: number, precise = false): string {
  const today = date(at, zone, now) === date(now, zone, now)
  const shown = clock(at, zone, precise)
  const told = isAmbiguous(at, zone) ? `${shown} ${offset(at, zone)}` : shown
  return today ? told : `${date(at, zone, now)} ${told}`
}

/** A schedule's own local time, as the server says it (`2026-11-30T09:30:00+01:00`): never computed. */
export function wall(local: string, withOffset = false): string {
  const [day = '', rest = ''] = local.split('T')
  const time = rest.slice(0, 8)
  const shown = `${date(Date.parse(`${day}T12:00:00Z`), 'UTC', Date.parse(`${day}T12:00:00Z`))} ${day.slice(0, 4)} ${time}`
  const ends = rest.match(/(Z|[+-]\d\d:\d\d)$/)?.[0]
  return withOffset && ends ? `${shown} ${ends === 'Z' ? '+00:00' : ends}` : shown
}
