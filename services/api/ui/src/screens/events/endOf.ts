import type { EventFilter } from '../../api/events'
import { serverNow } from '../../time/clock'

/** Where what is shown ends: at the filter's own end, or now. */
export function endOf(filter: EventFilter): string {
  const now = serverNow()
  const to = filter.to ? Date.parse(filter.to) : Number.POSITIVE_INFINITY
  return to < now ? (filter.to as string) : new Date(now).toISOString()
}
