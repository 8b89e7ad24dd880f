/** What is being edited or copied, read once: a form is not fed again while one types. */
import { useQuery } from '@tanstack/react-query'
import { http } from '../../api/client'
import { asApiError } from '../../api/problem'
import type { Trigger, Version } from '../../api/triggers'
import { parse } from './json'

/** Its numbers as they are stored, which a browser's own reading would round. */
export async function readExactly(id: string, signal?: AbortSignal): Promise<Trigger> {
  const { data } = await http.GET('/triggers/{trigger_id}', {
    params: { path: { trigger_id: id } },
    parseAs: 'text',
    signal: signal ?? null,
  })
  return parse(data as string) as Trigger
}

export function useOpened(id: string | null) {
  return useQuery({
    queryKey: ['/triggers', id, 'opened'],
    queryFn: ({ signal }) => readExactly(id ?? '', signal),
    enabled: id !== null,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
}

/** Its newest version that is known: who made it, and when. Null where there is no history. */
export async function lastVersion(id: string, signal?: AbortSignal): Promise<Version | null> {
  try {
    const { data } = await http.GET('/triggers/{trigger_id}/history', {
      params: { path: { trigger_id: id }, query: { limit: 1 } },
      signal: signal ?? null,
    })
    return data?.[0] ?? null
  } catch (error) {
    if (asApiError(error).status === 404) return null
    throw error
  }
}

export function useLastVersion(id: string) {
  return useQuery({
    queryKey: ['/triggers', id, 'history', 'last'],
    queryFn: ({ signal }) => lastVersion(id, signal),
  })
}
