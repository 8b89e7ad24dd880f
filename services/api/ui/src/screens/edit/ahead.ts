/** What lies ahead of the draft, asked of the server at each pause in typing. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { body, http } from '../../api/client'
import { type ApiError, asApiError } from '../../api/problem'
import type { ClockChange, Occurrence } from '../../api/schedules'
import { dryPatch } from '../../api/writes'
import { serverNow } from '../../time/clock'
import type { Draft, Fields } from './draft'
import { changesOf, fieldsOf, scheduleChange, scheduleOf } from './draft'

const PAUSE_MS = 150
/** As many as a dry run tells of. */
const SHOWN = 10

/** The value as it was at the last pause. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

export interface Ahead {
  words: string | null
  /** On whose clock they are: the draft may name another one by now. */
  zone: string
  /** Null where there is nothing to compare: a create, or an edit that leaves the schedule alone. */
  before: readonly Occurrence[] | null
  after: readonly Occurrence[]
  clockChanges: readonly ClockChange[]
  more: boolean
}

export interface Asked {
  data: Ahead | null
  error: ApiError | null
  /** Why it is asked again at the moment, and how often it was. */
  away: { error: ApiError; failures: number } | null
  isAsked: boolean
  isCurrent: boolean
  retry: () => void
}

export interface Opened {
  id: string
  version: number
  words: string | null
  fields: Fields
}

export function useAhead(draft: Draft, opened: Opened | null): Asked {
  const change = opened && scheduleChange(changesOf(opened.fields, fieldsOf(draft)).patch)
  const wanted = opened ? (draft.kind === 'api' ? null : (change ?? {})) : scheduleOf(draft)
  // Said as a text: the same wish is the same question.
  const key = wanted === null ? '' : JSON.stringify(wanted)
  const settled = useSettled(key)
  const query = useQuery({
    queryKey: ['ahead', opened?.id ?? null, opened?.version ?? null, settled],
    queryFn: ({ signal }) => ask(settled, opened, signal),
    enabled: settled !== '',
    staleTime: 5_000,
    // Again when the first of them is past.
    refetchInterval: ({ state }) => (state.data && !state.error ? untilPast(state.data) : false),
  })
  // What was told last stays in sight, greyed, while the next is asked for or cannot be told.
  const last = useRef<Ahead | null>(null)
  if (query.data) last.current = query.data
  const isRetried = query.isFetching && query.failureCount > 0
  return {
    data: settled === '' ? null : last.current,
    error: query.isError ? asApiError(query.error) : null,
    away: isRetried
      ? { error: asApiError(query.failureReason), failures: query.failureCount }
      : null,
    isAsked: key !== '',
    isCurrent: key === settled && query.isSuccess,
    retry: () => void query.refetch(),
  }
}

const SOONEST_MS = 5_000
const LATEST_MS = 2 ** 31 - 1

function untilPast({ before, after }: Ahead): number | false {
  const first = [before?.[0], after[0]].flatMap((each) =>
    each ? [Date.parse(each.scheduled_for)] : [],
  )
  if (first.length === 0) return false
  const left = Math.min(...first) - serverNow() + 1_000
  return Math.min(LATEST_MS, Math.max(SOONEST_MS, left))
}

async function ask(settled: string, opened: Opened | null, signal: AbortSignal): Promise<Ahead> {
  const fields = JSON.parse(settled) as Fields
  if (opened === null) {
    const found = await body(
      http.POST('/schedules/preview', { body: { ...fields, count: SHOWN } as never, signal }),
    )
    return {
      words: found.description,
      zone: found.timezone,
      before: null,
      after: found.occurrences,
      clockChanges: found.clock_changes,
      more: found.more,
    }
  }
  const found = await dryPatch(opened.id, fields, null, signal)
  const { before, after } = found.next_occurrences
  return {
    words: found.in_words.after,
    zone: found.timezone,
    before: Object.keys(fields).length === 0 ? null : before,
    after,
    clockChanges: found.clock_changes,
    more: after.length === SHOWN,
  }
}
