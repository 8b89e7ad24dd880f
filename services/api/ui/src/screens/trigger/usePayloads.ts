import { useQuery } from '@tanstack/react-query'
import { body, http } from '../../api/client'
import type { EventDetail } from '../../api/events'
import { EXACT, parseExact } from '../../api/exact'

const LOOKED_AT = 20

type Carried = Pick<EventDetail, 'id' | 'logged_at' | 'payload'>

/** What its newest events carried, each once, to begin a test with: it may be fired as it is. */
export function usePayloads(id: string) {
  return useQuery({
    queryKey: ['/events/', { trigger_id: id, payload: true }],
    queryFn: async ({ signal }) => {
      const asked = http.GET('/events/', {
        params: {
          query: { trigger_id: [id], status: ['fired'], payload: true, limit: LOOKED_AT },
        },
        parseAs: 'text',
        signal,
      })
      return parseExact<Carried[]>(await body(asked))
    },
    select: eachOnce,
    ...EXACT,
  })
}

function eachOnce(events: Carried[]): Carried[] {
  const seen = new Set<string>()
  return events.filter(({ payload }) => {
    const text = JSON.stringify(payload)
    if (payload === null || seen.has(text)) return false
    seen.add(text)
    return true
  })
}
