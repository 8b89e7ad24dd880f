import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { body, http, type Page, page, type Schemas } from './client'

export type DeadLetter = Schemas['DeadLetterShown']
export type Service = Schemas['ServiceShown']
export type Redrive = Schemas['RedriveShown']

const OVERVIEW = queryOptions({
  queryKey: ['/overview'],
  queryFn: ({ signal }) => body(http.GET('/overview', { signal })),
})

/** Counters of the whole platform, as of now. */
export function useOverview() {
  return useQuery({ ...OVERVIEW, placeholderData: keepPreviousData, refetchInterval: 5_000 })
}

export type Lives = Schemas['Lives']

/** How long this platform's rows live, and from when on it calls a fire a misfire: it was started
 * with these, so they are asked for once. Undefined until they are known. */
export function useLives(): Lives | undefined {
  return useQuery({
    ...OVERVIEW,
    staleTime: Number.POSITIVE_INFINITY,
    select: ({ lives }) => lives,
  }).data
}

/** All four services; one that is silent is listed as not ready. */
export function useServices() {
  return useQuery({
    queryKey: ['/services'],
    queryFn: ({ signal }) => body(http.GET('/services', { signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  })
}

export function useDeadLetters() {
  return useInfiniteQuery({
    queryKey: ['/dead-letters/'],
    queryFn: ({ pageParam, signal }): Promise<Page<DeadLetter>> =>
      page(
        http.GET('/dead-letters/', {
          params: { query: pageParam ? { limit: 20, cursor: pageParam } : { limit: 20 } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.cursor ?? undefined,
    refetchInterval: 15_000,
  })
}

/** Have a message handled again: what became of it, as far as it is known at once. */
export function redrive(id: string): Promise<Redrive> {
  return body(
    http.POST('/dead-letters/{letter_id}/redrive', { params: { path: { letter_id: id } } }),
  )
}
