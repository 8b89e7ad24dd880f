/** Follows the log while its screen is seen: rows of the stream come into sight once a frame, of a
 * flood four times a second. */
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import type { EventRow } from '../../api/events'
import { batches } from '../../live/batches'
import { FIRST_WAIT, follow, LONGEST_WAIT, type StreamState } from '../../live/stream'
import { type Feed, NOTHING, show, take } from './feed'

interface Options {
  /** The list's filter as the query of an address. */
  search: string
  /** From where on: null until the list is read. */
  position: string | null
  isOn: boolean
  /** Whether something is being read that must not move. */
  isHeld: RefObject<() => boolean>
  /** What the pages show already. */
  has: RefObject<(id: string) => boolean>
  onReset: () => void
}

export function useFollow({ search, position, isOn, isHeld, has, onReset }: Options) {
  const [feed, setFeed] = useState<Feed>(NOTHING)
  const [state, setState] = useState<StreamState>('closed')
  const [rate, setRate] = useState(0)
  const after = useRef<string | null>(null)
  /** Before a log is read again: at first none, but where it is lost right after it was read. */
  const wait = useRef(0)

  // Another list: what the stream brought for the last one is no part of it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: they say which list it is
  useEffect(() => {
    setFeed(NOTHING)
    after.current = position
  }, [search, position])

  useEffect(() => {
    if (!isOn || position === null) return
    const putIn = (rows: EventRow[]) =>
      setFeed((before) => take(before, rows, has.current, isHeld.current()))
    const batch = batches(putIn, (count) => {
      setRate(count)
      // What was read is let go without an event that tells so: a pointer that leaves, a scroll.
      setFeed((before) => (before.count > 0 && !isHeld.current() ? show(before) : before))
    })
    let lost: ReturnType<typeof setTimeout> | undefined
    const end = follow(new URLSearchParams(search), after.current ?? position, {
      onRow: (row, at) => {
        after.current = at
        wait.current = 0
        batch.push(row)
      },
      onReset: () => {
        setState('waiting')
        lost = setTimeout(onReset, wait.current)
        wait.current = Math.min(Math.max(FIRST_WAIT, wait.current * 2), LONGEST_WAIT)
      },
      onState: setState,
    })
    return () => {
      clearTimeout(lost)
      end()
      // Taken in, though paused: the stream goes on after them.
      const rows = batch.end()
      if (rows.length > 0) putIn(rows)
      setRate(0)
    }
  }, [search, position, isOn, isHeld, has, onReset])

  const showAll = useCallback(() => setFeed(show), [])
  return { feed, state, rate, showAll }
}
