import { QueryClient } from '@tanstack/react-query'
import { asApiError } from './problem'

/** Somebody watches: what is back is to be seen soon, and asking costs a gateway next to nothing. */
const LONGEST_WAIT_S = 10

/** How long until what failed is asked for again, after so many failures before it. */
export const waitS = (error: unknown, failures: number): number =>
  asApiError(error).retryAfter ?? Math.min(2 ** Math.max(0, failures), LONGEST_WAIT_S)

/** The one place of server state. What is shown twice is asked once: keys are addresses. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: true,
      networkMode: 'always',
      // However long it takes: a page that is left open over night goes on by itself.
      retry: (_, error) => asApiError(error).isAway,
      retryDelay: (failures, error) => waitS(error, failures) * 1_000,
    },
    mutations: { retry: false, networkMode: 'always' },
  },
})

/** Ask now what waits to be asked again: a refetch of what never came would go on waiting. */
export function askAgain(): void {
  const failing = queries.getQueryCache().findAll({
    type: 'active',
    predicate: ({ state }) => state.fetchFailureCount > 0 || state.error !== null,
  })
  for (const query of failing) {
    void query.cancel({ silent: true })
    const { data, error, fetchFailureReason } = query.state
    // What is shown stays marked as old until there is an answer.
    if (data !== undefined) query.setState({ error: error ?? fetchFailureReason, status: 'error' })
    query.fetch().catch(() => undefined)
  }
}
