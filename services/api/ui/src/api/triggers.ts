import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { body, http, type Page, page, type Schemas } from './client'
import type { paths } from './schema.gen'

export type Trigger = Schemas['TriggerShown']
/** As its owner writes it; lists can leave out payloads. */
export type Definition = Omit<Schemas['Definition'], 'payload' | 'payload_schema'> &
  Partial<Pick<Schemas['Definition'], 'payload' | 'payload_schema'>>
export type DryRun = Schemas['DryRun']
export type Version = Schemas['Version']
export type TriggerFilter = NonNullable<paths['/triggers/']['get']['parameters']['query']>

/** Triggers by page, without their payloads. `every`: how often all that was read is read again. */
export function useTriggers(
  filter: TriggerFilter,
  options: { enabled?: boolean; every?: number } = {},
) {
  const query = { ...filter, payload: false, limit: 100 }
  return useInfiniteQuery({
    queryKey: ['/triggers/', query],
    queryFn: ({ pageParam, signal }): Promise<Page<Trigger>> =>
      page(
        http.GET('/triggers/', {
          params: {
            // Counted once, with the first page.
            query: pageParam ? { ...query, cursor: pageParam } : { ...query, count: true },
          },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.cursor ?? undefined,
    enabled: options.enabled ?? true,
    refetchInterval: options.every ?? false,
    placeholderData: keepPreviousData,
    // All pages would be read again; the rows in sight are kept fresh by their ids instead.
    refetchOnWindowFocus: false,
    staleTime: 30_000,
  })
}

/** Some triggers by their ids (100 at the most), whatever page they are on. */
export function readTriggersById(ids: readonly string[], signal?: AbortSignal): Promise<Trigger[]> {
  return body(
    http.GET('/triggers/', {
      params: { query: { id: [...ids], payload: false, limit: 100 } },
      signal: signal ?? null,
    }),
  )
}

/** Names and zones of the triggers of some rows, in one read (100 at the most). */
export function useTriggersById(ids: readonly string[]) {
  const id = [...new Set(ids)].sort().slice(0, 100)
  return useQuery({
    queryKey: ['/triggers/', { id }],
    queryFn: ({ signal }) =>
      body(
        http.GET('/triggers/', { params: { query: { id, payload: false, limit: 100 } }, signal }),
      ),
    enabled: id.length > 0,
    placeholderData: keepPreviousData,
  })
}

export function useLabels() {
  return useQuery({
    queryKey: ['/labels/'],
    queryFn: ({ signal }) => body(http.GET('/labels/', { signal })),
    staleTime: 30_000,
  })
}

/** Last event and newest points of the triggers in sight. */
export function useActivity(ids: readonly string[]) {
  const trigger_id = [...ids].sort()
  return useQuery({
    queryKey: ['/activity/', { trigger_id }],
    queryFn: ({ signal }) =>
      body(http.GET('/activity/', { params: { query: { trigger_id } }, signal })),
    enabled: trigger_id.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  })
}
