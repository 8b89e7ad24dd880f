/** Rows of a stream, drawn no oftener than somebody can read them. */
import type { EventRow } from '../api/events'

/** So many a second are no more read one by one, but counted. */
export const FLOOD = 50
/** Between two drawings of a flood: a table of other rows in each frame leaves none for the reader. */
const FLOOD_PAUSE = 250
const SECOND = 1_000

export interface Batches {
  push: (row: EventRow) => void
  /** No more of them: returns those that were not handed on. */
  end: () => EventRow[]
}

/** Hands rows to `put` once a frame, those of a flood four times a second; tells `onSecond` how many
 * came in the last one. */
export function batches(
  put: (rows: EventRow[]) => void,
  onSecond: (count: number) => void = () => {},
): Batches {
  let waiting: EventRow[] = []
  let frame = 0
  let pause = 0
  let count = 0
  let isFlood = false
  const take = (): EventRow[] => {
    const rows = waiting
    waiting = []
    return rows
  }
  const hand = () => {
    frame = 0
    pause = 0
    put(take())
  }
  const second = setInterval(() => {
    isFlood = count > FLOOD
    onSecond(count)
    count = 0
  }, SECOND)
  return {
    push(row) {
      count += 1
      waiting.push(row)
      if (frame !== 0 || pause !== 0) return
      if (isFlood) pause = setTimeout(hand, FLOOD_PAUSE)
      else frame = requestAnimationFrame(hand)
    },
    end() {
      clearInterval(second)
      cancelAnimationFrame(frame)
      clearTimeout(pause)
      return take()
    },
  }
}
