import { useQuery } from '@tanstack/react-query'
import { learnNow } from '../time/clock'
import { body, http, type Schemas } from './client'
import { queries } from './queries'
import { forgetUnsaved, forgetUnsavedOfOthers } from './unsaved'

export type Session = Schemas['SessionShown']
export const SESSION = ['/session'] as const

async function read(): Promise<Session> {
  const asked = performance.now()
  const session = await body(http.GET('/session'))
  learnNow(session.now, asked)
  return session
}

/** Who is signed in; the server's clock comes along with it. */
export function useSession(options: { enabled?: boolean; every?: number } = {}) {
  return useQuery({
    queryKey: SESSION,
    queryFn: read,
    staleTime: 60_000,
    enabled: options.enabled ?? true,
    refetchInterval: options.every ?? false,
  })
}

/** Exchange a key for the cookie; all that was read as somebody else is forgotten. */
export async function signIn(apiKey: string): Promise<Session> {
  const session = await body(http.POST('/session', { body: { api_key: apiKey } }))
  forgetUnsavedOfOthers(session.key_id)
  await queries.cancelQueries()
  queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] })
  queries.setQueryData(SESSION, session)
  return session
}

export async function signOut(): Promise<void> {
  await http.DELETE('/session')
  // Who goes leaves nothing behind that was typed.
  forgetUnsaved()
  queries.clear()
}
