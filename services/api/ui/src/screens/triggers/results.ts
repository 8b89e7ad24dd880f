/** A trigger's last result and newest points, with what the stream brought since: pure. */

import type { Schemas } from '../../api/client'
import type { EventRow } from '../../api/events'
import { compareInstants } from '../../live/merge'
import { resultOf } from '../../parts/Tag'

export type Activity = Schemas['Activity']
export type Point = Schemas['Point']

const POINTS = 24

/** The newest rows of each trigger, bounded: a trigger shows no more than its points. */
export function remember(live: Map<string, EventRow[]>, fresh: readonly EventRow[]): void {
  for (const row of fresh) {
    const rows = live.get(row.trigger_id) ?? []
    live.set(row.trigger_id, [...rows, row].slice(-POINTS))
  }
}

export function withLive(activity: Activity, live: readonly EventRow[]): Activity {
  const known = new Set(activity.points.map((point) => point.event_id))
  const fresh = live.filter((row) => !known.has(row.id))
  if (fresh.length === 0) return activity
  const points = [...activity.points, ...fresh.map(pointOf)].sort((a, b) =>
    compareInstants(a.logged_at, b.logged_at),
  )
  const newest = [...fresh, ...(activity.last ? [activity.last] : [])].reduce((a, b) =>
    compareInstants(a.logged_at, b.logged_at) >= 0 ? a : b,
  )
  return { ...activity, points: points.slice(-POINTS), last: newest }
}

function pointOf(row: EventRow): Point {
  return {
    event_id: row.id,
    logged_at: row.logged_at,
    status: row.status,
    lateness: row.lateness,
  }
}

/** `2 late`, `1 missed`: what of the points was not as it should be. */
export function oddOf(points: readonly Point[]): string[] {
  const counts = new Map<string, number>()
  for (const point of points) {
    const result = resultOf({ ...point, is_test: false })
    if (result !== 'fired') counts.set(result, (counts.get(result) ?? 0) + 1)
  }
  return [...counts].map(([result, times]) => `${times} ${result}`)
}

/** Why, or how late: what stands beside a result. */
export function reasonOf(row: EventRow): string {
  const first = row.errors[0]
  if (first?.pointer) return first.pointer.replace(/^\/payload(?=\/)/, '')
  return (row.reason ?? '').replaceAll('_', ' ').replaceAll('-', ' ')
}
