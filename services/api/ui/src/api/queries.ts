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
      retry: (failures, error) => asApiError(error).isAway && failures < 100,
      retryDelay: (failures, error) =>
        (asApiError(error).retryAfter ?? Math.min(2 ** failures, 30)) * 1_000,
    },
    mutations: { retry: false, networkMode: 'always' },
  },
})
