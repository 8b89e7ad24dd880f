/** What the stream brought since the list was read: in sight, or waiting until nothing is read. */
import type { EventRow } from '../../api/events'
import { KEPT, merge } from '../../live/merge'

export interface Feed {
  /** In sight, above the rows of the list's pages. */
  rows: EventRow[]
  /** Not in sight yet; the newest of them, at most `KEPT`. */
  waiting: EventRow[]
  /** How many wait, also those that are not kept. */
  count: number
  /** More came than are kept: what is in sight does not reach down to the list's pages. */
  isCut: boolean
}

export const NOTHING: Feed = { rows: [], waiting: [], count: 0, isCut: false }

/** Take in what came in a frame. `has`: what the pages show already. */
export function take(
  feed: Feed,
  came: readonly EventRow[],
  has: (id: string) => boolean,
  isHeld: boolean,
): Feed {
  const known = new Set([...feed.rows, ...feed.waiting].map((row) => row.id))
  const fresh: EventRow[] = []
  for (const row of came) {
    if (known.has(row.id) || has(row.id)) continue
    known.add(row.id)
    fresh.push(row)
  }
  if (fresh.length === 0) return feed
  const next = {
    ...feed,
    waiting: merge(fresh, feed.waiting, KEPT),
    count: feed.count + fresh.length,
  }
  return isHeld ? next : show(next)
}

/** Put in sight what waits. */
export function show(feed: Feed): Feed {
  if (feed.count === 0) return feed
  const isLost = feed.count > feed.waiting.length
  const all = isLost ? feed.waiting : merge(feed.waiting, feed.rows)
  return {
    rows: all.slice(0, KEPT),
    waiting: [],
    count: 0,
    isCut: feed.isCut || isLost || all.length > KEPT,
  }
}

/** The instant just after a row's: a page that is asked for up to there begins with that row. */
export function justAfter(at: string): string {
  const [whole = '', digits = ''] = at.replace(/Z$|\+00:00$/, '').split('.')
  const micros = Number(digits.padEnd(6, '0').slice(0, 6)) + 1
  if (micros < 1_000_000) return `${whole}.${String(micros).padStart(6, '0')}Z`
  return new Date(Date.parse(`${whole}Z`) + 1000).toISOString()
}
