import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { body, http, type Schemas } from './client'

export type Occurrence = Schemas['Occurrence']
export type ClockChange = Schemas['ClockChange']
export type Preview = Schemas['PreviewShown']

/** The zones that a schedule may name: the server's list, not the browser's. */
export function useTimezones() {
  return useQuery({
    queryKey: ['/schedules/timezones'],
    queryFn: ({ signal }) => body(http.GET('/schedules/timezones', { signal })),
    staleTime: 60 * 60_000,
  })
}

/** What a schedule would do. The older request is aborted by the next one. */
export function usePreview(fields: Record<string, unknown> | null) {
  return useQuery({
    queryKey: ['/schedules/preview', fields],
    queryFn: ({ signal }): Promise<Preview> =>
      body(http.POST('/schedules/preview', { body: fields as never, signal })),
    enabled: fields !== null,
    placeholderData: keepPreviousData,
    staleTime: 1_000,
    retry: false,
  })
}

export type Upcoming = Schemas['Upcoming']

export function useUpcoming(query: { until?: string; per_trigger?: number; limit?: number }) {
  return useQuery({
    queryKey: ['/schedules/upcoming', query],
    queryFn: ({ signal }) =>
      body(http.GET('/schedules/upcoming', { params: { query: query as never }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  })
}
