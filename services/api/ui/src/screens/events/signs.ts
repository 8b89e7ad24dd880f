/** How long the instants of a list may be told: its column is never to cut one. Pure. */
import { instant, offsetMinutes } from '../../time/format'
import type { ZoneMode } from '../../time/zone'

const OFFSET = ' +00:00'.length
const TOLD_OFFSET = / [+-]\d\d:\d\d$/
/** Where the day begins first and last: it is no other one than in any zone between them. */
const EDGES = ['Etc/GMT-14', 'Etc/GMT+12']

/** `ends`: the first and last instant; `own`: the zone that all are told in, unless by schedule. */
export function signsOf(ends: readonly number[], mode: ZoneMode, own: string, now: number): number {
  if (ends.length === 0) return 0
  const zones = mode === 'schedule' ? EDGES : [own]
  const told = zones.flatMap((zone) => ends.map((at) => instant(at, zone, now, true)))
  // One that comes twice is told with its offset: an end, or any between two sides of a change.
  const isTwice =
    mode === 'schedule' ||
    told.some((one) => TOLD_OFFSET.test(one)) ||
    new Set(ends.map((at) => offsetMinutes(at, own))).size > 1
  const longest = Math.max(...told.map((one) => one.replace(TOLD_OFFSET, '').length))
  return longest + (isTwice ? OFFSET : 0)
}
