import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { serverNow } from '../time/clock'
import { body, http, type Page, page, type Schemas } from './client'
import { countable, EXACT, parseExact } from './exact'
import type { paths } from './schema.gen'

export type Delivery = Schemas['DeliveryDetail']
export type Attempt = Schemas['AttemptShown']
export type EventRow = Schemas['EventShown']
export type EventDetail = Schemas['EventWithDeliveries']
export type Stats = Schemas['Stats']
export type EventFilter = NonNullable<paths['/events/']['get']['parameters']['query']>
export type StatsFilter = NonNullable<paths['/events/stats']['get']['parameters']['query']>

export function useEvents(filter: EventFilter, options: { enabled?: boolean } = {}) {
  const query = { ...filter, limit: 100 }
  return useInfiniteQuery({
    queryKey: ['/events/', query],
    queryFn: ({ pageParam, signal }): Promise<Page<EventRow>> =>
      page(
        http.GET('/events/', {
          params: { query: pageParam ? { ...query, cursor: pageParam } : query },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.cursor ?? undefined,
    placeholderData: keepPreviousData,
    // The stream brings what is new; reading all pages again would not.
    refetchOnWindowFocus: false,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: options.enabled ?? true,
  })
}

export function useEvent(id: string | null) {
  return useQuery({
    queryKey: ['/events', id],
    queryFn: ({ signal }) => readEvent(id ?? '', undefined, signal),
    enabled: id !== null,
    // Again when its life is over: then it is not shown any more.
    // And while something of it is to come: a delivery is tried after it is logged.
    refetchInterval: ({ state }) =>
      state.data && !state.error
        ? Math.min(untilOver(state.data), untilDelivered(state.data))
        : false,
    ...EXACT,
  })
}

const LONGEST = 2 ** 31 - 1

const untilOver = (event: EventDetail): number =>
  Math.min(LONGEST, Math.max(1_000, Date.parse(event.deletes_at) - serverNow() + 100))

/** Deliver an event again to these targets; what waits is tried now. */
export async function redeliver(
  id: string,
  targets: readonly string[],
  key: string,
): Promise<void> {
  await http.POST('/events/{event_id}/redeliver', {
    params: { path: { event_id: id } },
    headers: { 'Idempotency-Key': key },
    body: { targets: [...targets] },
  })
}

const SOON = 2_000
const SELDOM = 15_000
/** What is planned for an event is stored right after it. */
const PLANNED_WITHIN = 10_000

function untilDelivered(event: EventDetail): number {
  const now = serverNow()
  const pending = event.deliveries.filter(({ state }) => state === 'pending')
  if (pending.length > 0) {
    const next = pending.map(({ next_attempt_at }) => Date.parse(next_attempt_at ?? ''))
    const soonest = Math.min(...next.filter((at) => !Number.isNaN(at))) - now + SOON
    return Math.min(SELDOM, Math.max(SOON, soonest))
  }
  const isNew = now - Date.parse(event.logged_at) < PLANNED_WITHIN
  return isNew && event.status === 'fired' ? SOON : LONGEST
}

/** With ``wait`` (such as "10s") it is waited for: a fire is answered before its event is logged. */
export async function readEvent(
  id: string,
  wait?: string,
  signal?: AbortSignal,
): Promise<EventDetail> {
  const text = await body(
    http.GET('/events/{event_id}', {
      params: { path: { event_id: id }, query: wait ? { wait } : {} },
      signal: signal ?? null,
      parseAs: 'text',
    }),
  )
  return countable(parseExact<EventDetail>(text))
}

export function useStats(filter: StatsFilter, options: { every?: number; enabled?: boolean } = {}) {
  return useQuery({
    queryKey: ['/events/stats', filter],
    queryFn: ({ signal }) => body(http.GET('/events/stats', { params: { query: filter }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: options.every ?? false,
    enabled: options.enabled ?? true,
  })
}
