/** What is being edited or copied, read once: a form is not fed again while one types. */
import { useQuery } from '@tanstack/react-query'
import { EXACT } from '../../api/exact'
import { asApiError } from '../../api/problem'
import { readHistory, readTrigger } from '../../api/trigger'
import type { Version } from '../../api/triggers'

export function useOpened(id: string | null) {
  return useQuery({
    queryKey: ['/triggers', id, 'opened'],
    queryFn: ({ signal }) => readTrigger(id ?? '', signal),
    enabled: id !== null,
    ...EXACT,
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
}

/** Its newest version that is known: who made it, and when. Null where there is no history. */
export async function lastVersion(id: string, signal?: AbortSignal): Promise<Version | null> {
  try {
    return (await readHistory(id, { limit: 1 }, signal)).rows[0] ?? null
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
