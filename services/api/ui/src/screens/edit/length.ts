/** Lengths of time as people type them, a count and a unit, and as the platform takes them. */

export const UNITS = ['s', 'min', 'h', 'd', 'iso'] as const
export type Unit = (typeof UNITS)[number]

export interface Length {
  count: string
  /** `iso`: the count is an ISO 8601 duration such as `PT1H30M`. */
  unit: Unit
}

const ISO: Record<Exclude<Unit, 'iso' | 's'>, [string, string]> = {
  min: ['PT', 'M'],
  h: ['PT', 'H'],
  d: ['P', 'D'],
}

/** What is sent: seconds as a number, else ISO 8601; what is no number as it is, to be refused. */
export function spoken({ count, unit }: Length): string | number {
  const typed = count.trim()
  if (unit === 'iso' || !/^\d+(\.\d+)?$/.test(typed)) return typed
  if (unit === 's') return Number(typed)
  if (typed.includes('.')) return Number(typed) * { min: 60, h: 3_600, d: 86_400 }[unit]
  const [before, after] = ISO[unit]
  return `${before}${typed}${after}`
}

/** How a stored length is typed; null where there is none. */
export function lengthOf(stored: unknown): Length | null {
  if (stored === null || stored === undefined) return null
  const told = String(stored)
  if (/^\d+(\.\d+)?$/.test(told)) return { count: told, unit: 's' }
  const match = told.match(/^P(?:(\d+)D|T(?:(\d+)H|(\d+)M|(\d+(?:\.\d+)?)S))$/)
  const [, d, h, min] = match ?? []
  if (d) return { count: d, unit: 'd' }
  if (h) return { count: h, unit: 'h' }
  if (min) return { count: min, unit: 'min' }
  // `PT30S` is the same as 30, but another text: an edit that leaves it alone must not change it.
  return { count: told, unit: 'iso' }
}
