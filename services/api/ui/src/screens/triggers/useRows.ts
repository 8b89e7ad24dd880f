/** The rows of the list, and what keeps those in sight true while it is read. */
import { type InfiniteData, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Page } from '../../api/client'
import { queries } from '../../api/queries'
import { readTriggersById, type Trigger, type TriggerFilter, useTriggers } from '../../api/triggers'
import { useRange } from '../../parts/useRange'
import { serverNow } from '../../time/clock'

const BLOCK = 20
const SIGHT = 100

export function useRows(asked: TriggerFilter) {
  const list = useTriggers(asked)
  const rows = useMemo(() => {
    // A row may move to a later page between two reads: it is shown where it was met first.
    const byId = new Map<string, Trigger>()
    for (const page of list.data?.pages ?? []) {
      for (const row of page.rows) if (!byId.has(row.id)) byId.set(row.id, row)
    }
    return [...byId.values()]
  }, [list.data])
  const head = list.data?.pages[0]
  return { list, rows, total: head?.total ?? null, isExact: head?.totalIsExact ?? true }
}

/** The ids of the rows in sight, by blocks, and only once the scrolling rests. */
export function useSight(rows: readonly Trigger[]) {
  const [ids, setIds] = useState<readonly string[]>([])
  const { onRange, lookNow, lookSoon } = useRange(BLOCK - 1, (first, last) => {
    const from = Math.floor(first / BLOCK) * BLOCK
    const until = Math.ceil((last + 1) / BLOCK) * BLOCK
    const seen = rows.slice(from, Math.min(until, from + SIGHT)).map((row) => row.id)
    setIds((before) => (before.join() === seen.join() ? before : seen))
  })
  const isFirst = ids.length === 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows are looked at anew
  useEffect(() => {
    if (isFirst) lookNow()
    else lookSoon()
  }, [rows, isFirst, lookNow, lookSoon])
  return { ids, onRange }
}

const SOONEST = 1_500
const LATEST = 15_000

/** Reads the rows in sight again after each of their fires, and now and then: edits of others show.
 *
 * Their order stays as it was read; what is gone stays in its place and says so.
 */
export function useFresh(
  ids: readonly string[],
  rows: readonly Trigger[],
  asked: TriggerFilter,
): ReadonlySet<string> {
  const read = useRef<Read>({ asked, since: 0, at: new Map(), gone: new Set() })
  const fresh = useQuery({
    queryKey: ['/triggers/', { id: ids }],
    queryFn: async ({ signal }) => {
      const found = await readTriggersById(ids, signal)
      note(read.current, ids, found)
      putInto(asked, found)
      return found
    },
    enabled: ids.length > 0,
    // What is gone stays in the list, and is not to come alive where it is scrolled to once more.
    initialData: () => {
      const { gone } = read.current
      const isShown = (row: Trigger) => ids.includes(row.id) && !gone.has(row.id)
      return ids.length > 0 ? rows.filter(isShown) : undefined
    },
    initialDataUpdatedAt: () => oldest(read.current, ids, asked),
    staleTime: LATEST,
    refetchInterval: (query) => {
      const dues = (query.state.data ?? []).map((row) => Date.parse(row.next_fire_at ?? ''))
      const soonest = Math.min(...dues.filter((due) => !Number.isNaN(due)))
      return Math.max(SOONEST, Math.min(LATEST, soonest - serverNow() + 700))
    },
  })
  return useMemo(() => {
    const found = new Set((fresh.data ?? []).map((row) => row.id))
    return new Set(fresh.data ? ids.filter((id) => !found.has(id)) : [])
  }, [fresh.data, ids])
}

/** What is known of the rows' ages: of the list (its first read), and of each that was read by id. */
interface Read {
  asked: TriggerFilter
  since: number
  at: Map<string, number>
  gone: Set<string>
}

function note({ at, gone }: Read, ids: readonly string[], found: readonly Trigger[]): void {
  const there = new Set(found.map((row) => row.id))
  for (const id of ids) {
    at.set(id, Date.now())
    if (there.has(id)) gone.delete(id)
    else gone.add(id)
  }
}

/** Rows that are scrolled to are as old as the oldest of them. */
function oldest(read: Read, ids: readonly string[], asked: TriggerFilter): number {
  if (read.since === 0 || read.asked !== asked) {
    read.asked = asked
    read.since = queries.getQueryState(keyOf(asked))?.dataUpdatedAt ?? 0
  }
  return Math.min(...ids.map((id) => read.at.get(id) ?? read.since))
}

const keyOf = (asked: TriggerFilter) => ['/triggers/', { ...asked, payload: false, limit: 100 }]

function putInto(asked: TriggerFilter, found: readonly Trigger[]): void {
  const byId = new Map(found.map((row) => [row.id, row]))
  queries.setQueryData<InfiniteData<Page<Trigger>>>(
    keyOf(asked),
    (list) =>
      list && {
        ...list,
        pages: list.pages.map((page) => ({
          ...page,
          rows: page.rows.map((row) => byId.get(row.id) ?? row),
        })),
      },
  )
}
