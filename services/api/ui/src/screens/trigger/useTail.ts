/** A trigger's events as they come: laid into the lists of its page that would have them. */
import type { InfiniteData, QueryKey } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { Page } from '../../api/client'
import type { EventFilter, EventRow } from '../../api/events'
import { queries } from '../../api/queries'
import { batches } from '../../live/batches'
import { KEPT, merge } from '../../live/merge'
import { follow, type StreamState } from '../../live/stream'

type Rows = InfiniteData<Page<EventRow>>

/** Whether a list with this filter (those of this page alone) would have the row. */
export function passes(row: EventRow, filter: EventFilter): boolean {
  const { trigger_id, status, is_test } = filter
  return (
    (trigger_id as string[] | undefined)?.[0] === row.trigger_id &&
    (status === undefined || (status as string[] | null)?.includes(row.status) === true) &&
    (is_test === undefined || is_test === row.is_test)
  )
}

const isOf = (id: string, filter: unknown): filter is EventFilter => {
  const ids = (filter as { trigger_id?: unknown } | undefined)?.trigger_id
  return Array.isArray(ids) && ids.length === 1 && ids[0] === id
}

/** Which lists grew too long by it. */
function layIn(id: string, fresh: readonly EventRow[]): QueryKey[] {
  const full: QueryKey[] = []
  const lists = queries.getQueryCache().findAll({
    predicate: ({ queryKey }) => queryKey[0] === '/events/' && isOf(id, queryKey[1]),
  })
  for (const { queryKey } of lists) {
    const wanted = fresh.filter((row) => passes(row, queryKey[1] as EventFilter))
    if (wanted.length === 0) continue
    queries.setQueryData<Rows>(queryKey, (data) => {
      const first = data?.pages[0]
      if (!data || !first) return data
      const known = new Set(data.pages.flatMap((page) => page.rows.map((row) => row.id)))
      const added = wanted.filter((row) => !known.has(row.id))
      if (added.length + first.rows.length > KEPT) full.push(queryKey)
      const rows = merge(added, first.rows, KEPT)
      return { ...data, pages: [{ ...first, rows }, ...data.pages.slice(1)] }
    })
  }
  return full
}

/** What a new event says about the trigger itself; `full` is read anew, short again, with where its
 * next page begins. */
async function refresh(id: string, full: readonly QueryKey[]): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ['/triggers', id], exact: true }),
    queries.invalidateQueries({ queryKey: ['/triggers', id, 'next'] }),
    queries.invalidateQueries({
      predicate: ({ queryKey }) => queryKey[0] === '/events/stats' && isOf(id, queryKey[1]),
    }),
    ...full.map((queryKey) => queries.invalidateQueries({ queryKey })),
  ])
}

const SECOND = 1_000

export interface Tail {
  state: StreamState
  /** Those that came while the page was open. */
  arrived: readonly EventRow[]
}

/** Follows from `position` on, once the first list is there (`isReady`). */
export function useTail(id: string, isReady: boolean, position: string | null): Tail {
  const [state, setState] = useState<StreamState>('connecting')
  const [arrived, setArrived] = useState<readonly EventRow[]>([])
  const [epoch, setEpoch] = useState(0)
  const lost = useRef<string | null>(null)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the position is where it begins
  useEffect(() => {
    if (!isReady) return
    // Those that come while lists are read again: the answer may be older than they are.
    let meanwhile: EventRow[] | null = null
    const full = new Set<QueryKey>()
    let hasEnded = false
    let soon = 0

    const lay = (rows: readonly EventRow[]) => {
      for (const key of layIn(id, rows)) full.add(key)
      // At most once a second, and never before the last reading has come to its end.
      if (soon === 0 && meanwhile === null) soon = setTimeout(() => void read(), SECOND)
    }
    const read = async () => {
      soon = 0
      meanwhile = []
      const keys = [...full]
      full.clear()
      await refresh(id, keys)
      const rows = meanwhile
      meanwhile = null
      if (!hasEnded && rows.length > 0) lay(rows)
    }
    const batch = batches((rows) => {
      if (meanwhile) meanwhile = [...meanwhile, ...rows].slice(-KEPT)
      lay(rows)
      setArrived((before) => merge(rows, before, KEPT))
    })
    // Where it is lost once more, from now on: else it would be read again and again.
    const from = epoch > 0 && position === lost.current ? null : position
    const end = follow(new URLSearchParams({ trigger_id: id }), from, {
      onRow: batch.push,
      onReset: () => {
        lost.current = position
        void queries
          .invalidateQueries({ predicate: ({ queryKey }) => isOf(id, queryKey[1]) })
          .then(() => setEpoch((each) => each + 1))
      },
      onState: setState,
    })
    return () => {
      hasEnded = true
      end()
      batch.end()
      clearTimeout(soon)
    }
  }, [id, isReady, epoch])

  return { state, arrived }
}
