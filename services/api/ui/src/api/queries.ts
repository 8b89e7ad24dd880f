import { QueryClient } from '@tanstack/react-query'
import { asApiError } from './problem'

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
      retryDelay: (failures, error) =>
        (asApiError(error).retryAfter ?? Math.min(2 ** failures, 30)) * 1_000,
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
