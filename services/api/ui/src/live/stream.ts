/** The log as it grows, without gap: an EventSource that is made anew after the last id seen.
 *
 * A browser's own reconnecting ends for ever at the first answer that is not 200 (a gateway that
 * restarts answers 503 for a moment), so it is done here: after 1 s, doubling to 30 s.
 */
import type { EventRow } from '../api/events'
import { type Slot, takeSlot } from './slots'

export type StreamState = 'connecting' | 'live' | 'waiting' | 'hidden' | 'closed'

export interface StreamHandlers {
  /** `position` is where to go on after it: for who ends the stream and follows again. */
  onRow: (row: EventRow, position: string | null) => void
  /** The log was made anew, or what was missed cannot be had: read all again. */
  onReset: () => void
  onState: (state: StreamState) => void
}

const NAMES = ['trigger.fired.v1', 'trigger.missed.v1', 'trigger.rejected.v1'] as const
/** Between two tries: doubled from the first to the longest. */
export const FIRST_WAIT = 1_000
export const LONGEST_WAIT = 30_000
/** How long a window looks before it hands its slot to the next one that waits for it. */
const TURN = 1_000

/** Follow the log after `position`; the function that is returned ends it. */
export function follow(
  search: URLSearchParams,
  position: string | null,
  handlers: StreamHandlers,
): () => void {
  let last = position
  let wait = FIRST_WAIT
  let source: EventSource | null = null
  let slot: Slot | null = null
  /** Stands while a slot is waited for, and ends that. */
  let waiting: AbortController | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let ended = false
  /** Whoever reads all again follows anew. */
  let isLost = false

  async function connect(): Promise<void> {
    clearTimeout(timer)
    if (ended || waiting !== null) return
    if (document.hidden) {
      handlers.onState('hidden')
      return
    }
    const mine = new AbortController()
    waiting = mine
    const taken = await takeSlot(mine.signal)
    if (taken === null || mine.signal.aborted) {
      taken?.free()
      return
    }
    waiting = null
    slot = taken
    open(taken)
  }

  function open(held: Slot): void {
    const query = new URLSearchParams(search)
    query.set('shape', 'row')
    if (last !== null) query.set('last_event_id', last)
    const opened = new EventSource(`/events/stream?${query}`)
    source = opened
    opened.onopen = () => {
      wait = FIRST_WAIT
      handlers.onState('live')
      if (held.isWanted) timer = setTimeout(handOn, TURN, held)
    }
    opened.onerror = () => again(opened)
    for (const name of NAMES) {
      opened.addEventListener(name, (message) => {
        last = message.lastEventId || last
        handlers.onRow(JSON.parse(message.data) as EventRow, last)
      })
    }
    opened.addEventListener('reset', () => {
      last = null
      isLost = true
      disconnect()
      handlers.onReset()
    })
    opened.addEventListener('dropped', () => again(opened))
    opened.addEventListener('closing', () => again(opened))
  }

  /** Who waits is next; this window goes on after its last row when its turn comes again. */
  async function handOn(held: Slot): Promise<void> {
    const isWanted = await held.isWanted?.()
    if (slot !== held) return
    if (!isWanted) {
      timer = setTimeout(handOn, TURN, held)
      return
    }
    disconnect()
    void connect()
  }

  function again(opened: EventSource): void {
    if (source !== opened) return
    disconnect()
    if (ended) return
    handlers.onState('waiting')
    timer = setTimeout(begin, wait)
    wait = Math.min(wait * 2, LONGEST_WAIT)
  }

  function begin(): void {
    handlers.onState('connecting')
    void connect()
  }

  function disconnect(): void {
    clearTimeout(timer)
    source?.close()
    source = null
    slot?.free()
    slot = null
    waiting?.abort()
    waiting = null
  }

  function seen(): void {
    if (document.hidden) {
      disconnect()
      handlers.onState('hidden')
    } else if (isLost) {
      handlers.onState('waiting')
    } else if (source === null && waiting === null) {
      begin()
    }
  }

  document.addEventListener('visibilitychange', seen)
  begin()
  return () => {
    ended = true
    document.removeEventListener('visibilitychange', seen)
    disconnect()
    handlers.onState('closed')
  }
}
