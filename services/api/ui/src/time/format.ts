/** Instants on the clock of a zone, by the browser's rules: for what happened, not for schedules. */

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** Clocks are changed at whole quarters of an hour: an offset holds for one. */
const QUARTER = 15 * MINUTE
/** How many offsets and days are remembered. */
const MANY = 20_000

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

const known = new Map<string, boolean>()

/** Whether this browser has rules for the zone: the server's list is longer. */
export const isKnownZone = (zone: string): boolean =>
  remembered(known, zone, () => {
    try {
      format(zone, { hour: '2-digit' })
      return true
    } catch {
      return false
    }
  })

let own = ''
let readAt = Number.NEGATIVE_INFINITY

/** This computer's. Every instant in sight asks each second, and the browser takes long to tell. */
export function ownZone(): string {
  const now = performance.now()
  if (now - readAt > MINUTE) {
    own = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
    readAt = now
  }
  return own
}

function remembered<K, V>(all: Map<K, V>, key: K, make: () => V): V {
  let found = all.get(key)
  if (found === undefined) {
    found = make()
    if (all.size >= MANY) all.clear()
    all.set(key, found)
  }
  return found
}

const parts = (zone: string, options: Intl.DateTimeFormatOptions, at: number) =>
  Object.fromEntries(
    format(zone, options)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  )

const WALL = {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
} as const
const offsets = new Map<string, number>()

/** How far the zone's clock is ahead of UTC. */
const ahead = (at: number, zone: string): number =>
  remembered(offsets, `${zone} ${Math.floor(at / QUARTER)}`, () => {
    const { year, month, day, hour, minute, second } = parts(zone, WALL, at)
    const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number)
    const shown = Date.UTC(y as number, (mo as number) - 1, d, h, mi, s)
    return shown - Math.floor(at / 1000) * 1000
  })

/** What the zone's clock shows, as if it were UTC. */
const local = (at: number, zone: string): number => at + ahead(at, zone)
const dayOf = (at: number, zone: string): number => Math.floor(local(at, zone) / DAY)
const yearOf = (at: number, zone: string): number => new Date(local(at, zone)).getUTCFullYear()

const days = new Map<number, string>()

/** `Mon 30 Nov`, with the year where it is another one than `now`'s. */
export function date(at: number, zone: string, now: number): string {
  const day = dayOf(at, zone)
  const shown = remembered(days, day, () => {
    const said = parts('UTC', { weekday: 'short', day: 'numeric', month: 'short' }, day * DAY)
    return `${said.weekday} ${said.day} ${said.month}`
  })
  const year = yearOf(at, zone)
  return year === yearOf(now, zone) ? shown : `${shown} ${year}`
}

/** `09:41:00`, or with milliseconds. */
export const clock = (at: number, zone: string, precise = false): string =>
  // From its end: a year beyond 9999 is longer.
  new Date(local(at, zone)).toISOString().slice(-13, precise ? -1 : -5)

/** Minutes that the zone's clock is ahead of UTC at an instant. */
export const offsetMinutes = (at: number, zone: string): number =>
  Math.round(ahead(at, zone) / MINUTE)

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
    const there = offsetMinutes(at + minutes * MINUTE, zone)
    const twin = at + (here - there) * MINUTE
    return there !== here && twin !== at && offsetMinutes(twin, zone) === there
  })
}

/** The whole of it: date where it is not today's, time, offset where the time comes twice. */
export function instant(at: number, zone: string, now: number, precise = false): string {
  const today = dayOf(at, zone) === dayOf(now, zone)
  const shown = clock(at, zone, precise)
  const told = isAmbiguous(at, zone) ? `${shown} ${offset(at, zone)}` : shown
  return today ? told : `${date(at, zone, now)} ${told}`
}

/** An instant on a schedule's clock as the server says it, `2026-11-30T09:30:00+01:00`: as `instant`. */
export function scheduled(at: number, local: string, zone: string, now: number): string {
  const [day = '', rest = ''] = local.split('T')
  const shown = Date.parse(`${day}T${rest.slice(0, 8)}Z`)
  const told = instant(shown, 'UTC', now + shown - Math.floor(at / 1000) * 1000)
  const isTwice = isKnownZone(zone) && isAmbiguous(at, zone)
  return isTwice ? `${told} ${rest.match(/[+-]\d\d:\d\d$/)?.[0] ?? '+00:00'}` : told
}

/** A schedule's own local time, as the server says it (`2026-11-30T09:30:00+01:00`): never computed. */
export function wall(local: string, withOffset = false): string {
  const [day = '', rest = ''] = local.split('T')
  const time = rest.slice(0, 8)
  const shown = `${date(Date.parse(`${day}T12:00:00Z`), 'UTC', Date.parse(`${day}T12:00:00Z`))} ${day.slice(0, 4)} ${time}`
  const ends = rest.match(/(Z|[+-]\d\d:\d\d)$/)?.[0]
  return withOffset && ends ? `${shown} ${ends === 'Z' ? '+00:00' : ends}` : shown
}
