/** A trigger's events as they come: laid into the lists of its page that would have them. */
import type { InfiniteData } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Page } from '../../api/client'
import type { EventFilter, EventRow } from '../../api/events'
import { queries } from '../../api/queries'
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

function layIn(id: string, fresh: readonly EventRow[]): void {
  const lists = queries.getQueryCache().findAll({
    predicate: ({ queryKey }) => queryKey[0] === '/events/' && isOf(id, queryKey[1]),
  })
  for (const { queryKey } of lists) {
    const wanted = fresh.filter((row) => passes(row, queryKey[1] as EventFilter))
    if (wanted.length === 0) continue
    let isFull = false
    queries.setQueryData<Rows>(queryKey, (data) => {
      const first = data?.pages[0]
      if (!data || !first) return data
      const known = new Set(data.pages.flatMap((page) => page.rows.map((row) => row.id)))
      const added = wanted.filter((row) => !known.has(row.id))
      const rows = merge(added, first.rows)
      isFull = rows.length > KEPT
      return { ...data, pages: [{ ...first, rows }, ...data.pages.slice(1)] }
    })
    // A page that grew long is read anew, short again, with where its next one begins.
    if (isFull) void queries.invalidateQueries({ queryKey })
  }
}

/** At most once a second: what a new event says about the trigger itself. */
function refresh(id: string): void {
  void queries.invalidateQueries({ queryKey: ['/triggers', id], exact: true })
  void queries.invalidateQueries({ queryKey: ['/triggers', id, 'next'] })
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => queryKey[0] === '/events/stats' && isOf(id, queryKey[1]),
  })
}

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

  // biome-ignore lint/correctness/useExhaustiveDependencies: the position is where it begins
  useEffect(() => {
    if (!isReady) return
    let waiting: EventRow[] = []
    let frame = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    const put = () => {
      const rows = waiting
      waiting = []
      layIn(id, rows)
      setArrived((before) => merge(rows, before, KEPT))
      timer ??= setTimeout(() => {
        timer = undefined
        refresh(id)
      }, 1_000)
    }
    const end = follow(new URLSearchParams({ trigger_id: id }), epoch > 0 ? null : position, {
      onRow: (row) => {
        if (waiting.push(row) === 1) frame = requestAnimationFrame(put)
      },
      onReset: () => {
        void queries
          .invalidateQueries({ predicate: ({ queryKey }) => isOf(id, queryKey[1]) })
          .then(() => setEpoch((each) => each + 1))
      },
      onState: setState,
    })
    return () => {
      end()
      cancelAnimationFrame(frame)
      clearTimeout(timer)
    }
  }, [id, isReady, epoch])

  return { state, arrived }
}
