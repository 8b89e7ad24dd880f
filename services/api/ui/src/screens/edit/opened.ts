/** What is being edited or copied, read once: a form is not fed again while one types. */
import { useQuery } from '@tanstack/react-query'
import { EXACT } from '../../api/exact'
import { ApiError, asApiError } from '../../api/problem'
import { readHistory, readTrigger } from '../../api/trigger'
import type { Definition, Version } from '../../api/triggers'

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

/** What is copied: a trigger as it is, or as it was in a version, also after it is deleted. */
export function useCopied(id: string, version: number | null) {
  return useQuery({
    queryKey: ['/triggers', id, 'copied', version],
    queryFn: ({ signal }): Promise<Definition> =>
      version === null ? readTrigger(id, signal) : readVersion(id, version, signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    ...EXACT,
  })
}

async function readVersion(id: string, wanted: number, signal: AbortSignal): Promise<Definition> {
  let cursor: string | null = null
  do {
    const page = await readHistory(id, cursor === null ? {} : { cursor }, signal)
    const found = page.rows.find(({ version }) => version === wanted)
    if (found) return found.definition
    cursor = page.cursor
  } while (cursor !== null)
  throw new ApiError(404, 'not-found', `version ${wanted} is not kept`)
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
