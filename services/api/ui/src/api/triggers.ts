import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { byIds, distinct } from './byIds'
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

/** Those that some ids name, whatever page they are on. */
export function readTriggersById(ids: readonly string[], signal?: AbortSignal): Promise<Trigger[]> {
  return byIds(ids, (part) =>
    page(
      http.GET('/triggers/', {
        params: { query: { ...part, payload: false } },
        signal: signal ?? null,
      }),
    ),
  )
}

/** Names and zones of the triggers of some rows. */
export function useTriggersById(ids: readonly string[]) {
  const id = distinct(ids)
  return useQuery({
    queryKey: ['/triggers/', { id }],
    queryFn: ({ signal }) => readTriggersById(id, signal),
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
