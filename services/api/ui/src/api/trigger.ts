/** One trigger, with its numbers as they are stored: what is restored or saved is not rounded. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { body, http, type Page, page } from './client'
import { countable, EXACT, parseExact } from './exact'
import type { Trigger, Version } from './triggers'

export async function readTrigger(id: string, signal?: AbortSignal): Promise<Trigger> {
  const asked = http.GET('/triggers/{trigger_id}', {
    params: { path: { trigger_id: id } },
    parseAs: 'text',
    signal: signal ?? null,
  })
  return countable(parseExact<Trigger>(await body(asked)))
}

export function useTrigger(id: string) {
  return useQuery({
    queryKey: ['/triggers', id],
    queryFn: ({ signal }) => readTrigger(id, signal),
    ...EXACT,
  })
}

export function useNext(id: string, count = 10) {
  return useQuery({
    queryKey: ['/triggers', id, 'next', count],
    queryFn: ({ signal }) =>
      body(
        http.GET('/triggers/{trigger_id}/next', {
          params: { path: { trigger_id: id }, query: { count } },
          signal,
        }),
      ),
  })
}

/** Versions, the newest first. */
export async function readHistory(
  id: string,
  query: { cursor?: string; limit?: number },
  signal?: AbortSignal,
): Promise<Page<Version>> {
  const { data, response } = await http.GET('/triggers/{trigger_id}/history', {
    params: { path: { trigger_id: id }, query },
    parseAs: 'text',
    signal: signal ?? null,
  })
  const versions = parseExact<Version[]>(data as string).map((version) => ({
    ...version,
    definition: countable(version.definition),
  }))
  return page(Promise.resolve({ data: versions, response }))
}

export function useHistory(id: string) {
  return useInfiniteQuery({
    queryKey: ['/triggers', id, 'history'],
    queryFn: ({ pageParam, signal }) =>
      readHistory(id, pageParam ? { cursor: pageParam } : {}, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.cursor ?? undefined,
    ...EXACT,
  })
}
