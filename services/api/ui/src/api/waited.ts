/** The event of a fire: asked for before it is there, as a fire is answered before it is logged. */
import { useQuery } from '@tanstack/react-query'
import { serverNow } from '../time/clock'
import { type EventDetail, readEvent } from './events'
import { EXACT } from './exact'

/** Raises 404 where it does not come within a time in which nobody gives up on it. */
export const readLogged = (id: string, signal?: AbortSignal): Promise<EventDetail> =>
  readEvent(id, '20s', signal)

/** One that fires at its own time is asked for then, and not before. */
export function useLogged(id: string, firesAt?: string) {
  return useQuery({
    queryKey: ['/events', id, 'logged'],
    queryFn: async ({ signal }) => {
      const early = firesAt ? Date.parse(firesAt) - serverNow() - 1_000 : 0
      if (early > 0) await pause(early, signal)
      return readLogged(id, signal)
    },
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    ...EXACT,
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      reject(signal.reason)
    })
  })
}
