import { useQuery } from '@tanstack/react-query'
import { learnNow } from '../time/clock'
import { body, http, type Schemas } from './client'

export type Session = Schemas['SessionShown']
export const SESSION = ['/session'] as const

async function read(): Promise<Session> {
  const asked = performance.now()
  const session = await body(http.GET('/session'))
  learnNow(session.now, asked)
  return session
}

/** Who is signed in; the server's clock comes along with it. */
export function useSession() {
  return useQuery({ queryKey: SESSION, queryFn: read, staleTime: 60_000 })
}

export async function signIn(apiKey: string): Promise<Session> {
  return body(http.POST('/session', { body: { api_key: apiKey } as never }))
}

export async function signOut(): Promise<void> {
  await http.DELETE('/session')
}
