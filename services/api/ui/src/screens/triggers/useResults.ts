import { useEffect, useMemo, useReducer, useRef, useState } from 'react'
import type { EventRow } from '../../api/events'
import { queries } from '../../api/queries'
import { useActivity } from '../../api/triggers'
import { batches } from '../../live/batches'
import { follow } from '../../live/stream'
import { type Activity, remember, withLive } from './results'

/** Last result and newest points of the rows in sight: read once, then as the stream brings them. */
export function useResults(ids: readonly string[]): ReadonlyMap<string, Activity> {
  const read = useActivity(ids)
  const live = useRef(new Map<string, EventRow[]>())
  const [frame, redraw] = useReducer((count: number) => count + 1, 0)

  // A log that was made anew is followed anew.
  const [epoch, setEpoch] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another epoch is another stream
  useEffect(() => {
    if (ids.length === 0) return undefined
    const search = new URLSearchParams({ is_test: 'false' })
    for (const id of ids) search.append('trigger_id', id)
    const again = () => queries.invalidateQueries({ queryKey: ['/activity/'] })
    const batch = batches((rows) => {
      remember(live.current, rows)
      redraw()
    })
    const stop = follow(search, null, {
      onRow: batch.push,
      onReset() {
        live.current.clear()
        void again().then(() => setEpoch((each) => each + 1))
      },
      onState(state) {
        // What came between the last read and this stream's beginning is in the tables.
        if (state === 'live') void again()
      },
    })
    return () => {
      stop()
      batch.end()
    }
  }, [ids, epoch])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a frame brings what the ref holds
  return useMemo(() => {
    const found = (read.data ?? []) as Activity[]
    return new Map(
      found.map((one) => [one.trigger_id, withLive(one, live.current.get(one.trigger_id) ?? [])]),
    )
  }, [read.data, frame])
}
