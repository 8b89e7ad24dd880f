import { useQuery } from '@tanstack/react-query'
import { body, http } from '../../api/client'
import type { EventDetail } from '../../api/events'

const LOOKED_AT = 20

/** What its newest events carried, each once, to begin a test with. */
export function usePayloads(id: string) {
  return useQuery({
    queryKey: ['/events/', { trigger_id: id, payload: true }],
    queryFn: ({ signal }): Promise<EventDetail[]> =>
      body(
        http.GET('/events/', {
          params: {
            query: { trigger_id: [id], status: ['fired'], payload: true, limit: LOOKED_AT },
          },
          signal,
        }) as Promise<{ data?: EventDetail[] }>,
      ),
    select: eachOnce,
  })
}

function eachOnce(events: EventDetail[]): EventDetail[] {
  const seen = new Set<string>()
  return events.filter(({ payload }) => {
    const text = JSON.stringify(payload)
    if (payload === null || seen.has(text)) return false
    seen.add(text)
    return true
  })
}
