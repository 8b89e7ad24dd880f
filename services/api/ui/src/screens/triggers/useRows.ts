/** The rows of the list, and what keeps those in sight true while it is read. */
import { type InfiniteData, useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import type { Page } from '../../api/client'
import { queries } from '../../api/queries'
import { readTriggersById, type Trigger, type TriggerFilter, useTriggers } from '../../api/triggers'
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
  const [range, setRange] = useState<readonly [number, number]>([0, BLOCK - 1])
  const [ids, setIds] = useState<readonly string[]>([])
  useEffect(() => {
    const first = Math.floor(range[0] / BLOCK) * BLOCK
    const last = Math.ceil((range[1] + 1) / BLOCK) * BLOCK
    const seen = rows.slice(first, Math.min(last, first + SIGHT)).map((row) => row.id)
    const settle = () => setIds((before) => (before.join() === seen.join() ? before : seen))
    if (ids.length === 0) return settle()
    const timer = setTimeout(settle, 150)
    return () => clearTimeout(timer)
  }, [range, rows, ids.length])
  const onRange = useMemo(
    () => (first: number, last: number) =>
      setRange((before) => (before[0] === first && before[1] === last ? before : [first, last])),
    [],
  )
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
  const fresh = useQuery({
    queryKey: ['/triggers/', { id: ids }],
    queryFn: async ({ signal }) => {
      const found = await readTriggersById(ids, signal)
      putInto(asked, found)
      return found
    },
    enabled: ids.length > 0,
    initialData: () => (ids.length > 0 ? rows.filter((row) => ids.includes(row.id)) : undefined),
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

function putInto(asked: TriggerFilter, found: readonly Trigger[]): void {
  const byId = new Map(found.map((row) => [row.id, row]))
  queries.setQueryData<InfiniteData<Page<Trigger>>>(
    ['/triggers/', { ...asked, payload: false, limit: 100 }],
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
