import { useQuery } from '@tanstack/react-query'
import { body, http } from './client'

/** How much there is, and what needs attention: a read of a moment, each 5 s. */
export interface Overview {
  now: string
  triggers: { active: number; completed: number; due_within_1h: number }
  attention: { late: number; missed: number; rejected: number }
  dead_letters: number
}

export function useOverview() {
  return useQuery({
    queryKey: ['/overview'],
    queryFn: ({ signal }) =>
      body(http.GET('/overview' as never, { signal } as never) as Promise<{ data?: Overview }>),
    refetchInterval: 5_000,
  })
}
