/** Rows of pages and of the stream in one order, each once: pure. */
import type { EventRow } from '../api/events'

/** How many of the stream's rows a page keeps: older ones are on the list's pages. */
export const KEPT = 500

/** The newest first, as the list has them: by when it was logged, then by id. */
export function compareRows(a: EventRow, b: EventRow): number {
  const when = compareInstants(b.logged_at, a.logged_at)
  return when !== 0 ? when : a.id < b.id ? 1 : a.id > b.id ? -1 : 0
}

/** Of two instants in UTC, to the microsecond: more than a Date holds. */
export function compareInstants(a: string, b: string): number {
  const ms = Date.parse(a) - Date.parse(b)
  return ms !== 0 ? ms : fraction(a) - fraction(b)
}

function fraction(at: string): number {
  const digits = at.match(/\.(\d+)/)?.[1] ?? ''
  return Number(digits.padEnd(9, '0').slice(0, 9))
}

/** New rows laid before old ones; what is there already stays as it is. */
export function merge(
  fresh: readonly EventRow[],
  rows: readonly EventRow[],
  keep = Number.POSITIVE_INFINITY,
): EventRow[] {
  const seen = new Set(rows.map((row) => row.id))
  const added: EventRow[] = []
  for (const row of fresh) {
    if (seen.has(row.id)) continue
    seen.add(row.id)
    added.push(row)
  }
  if (added.length === 0) return rows.length > keep ? rows.slice(0, keep) : (rows as EventRow[])
  return [...added, ...rows].sort(compareRows).slice(0, keep)
}
