/** Rows leave a list when their time in it is over, as they leave the log itself. */
import { useEffect, useState } from 'react'
import type { EventRow } from '../api/events'
import { serverNow } from '../time/clock'

type End = 'archives_at' | 'deletes_at'

/** Those that are there still, of rows the newest first; the very same ones while all are. Pure. */
export function alive(rows: readonly EventRow[], end: End, now: number): readonly EventRow[] {
  let count = rows.length
  while (count > 0 && Date.parse(rows[count - 1]?.[end] ?? '') <= now) count -= 1
  return count === rows.length ? rows : rows.slice(0, count)
}

const LONGEST = 2 ** 31 - 1

/** The same, and shown anew in the moment in which the next one ends. */
export function useAlive(rows: readonly EventRow[], end: End): readonly EventRow[] {
  const [, setEnded] = useState(0)
  const shown = alive(rows, end, serverNow())
  const next = shown.at(-1)?.[end]
  useEffect(() => {
    if (next === undefined) return undefined
    const left = Math.min(LONGEST, Math.max(0, Date.parse(next) - serverNow()) + 20)
    const timer = setTimeout(() => setEnded((before) => before + 1), left)
    return () => clearTimeout(timer)
  }, [next])
  return shown
}
