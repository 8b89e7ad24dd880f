import { useEffect, useRef } from 'react'

interface Place {
  y: number
  row: string | null
}

const isPlace = (state: unknown): state is { place: Place } =>
  typeof state === 'object' && state !== null && 'place' in state

/** Where one was in the list is kept with its entry of the history: Back leads there again.
 *
 * `isReady`: rows are there to return to. `entry`: the address, which changes with each entry.
 */
export function useReturn(isReady: boolean, entry: string): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const keep = () => {
      const row = document.activeElement?.closest('[data-row]')?.getAttribute('data-row') ?? null
      history.replaceState({ ...history.state, place: { y: scrollY, row } }, '')
    }
    const keepSoon = () => {
      clearTimeout(timer)
      timer = setTimeout(keep, 100)
    }
    // At once: the very press that focuses a row may lead away from here.
    const keepRow = (event: FocusEvent) => {
      if ((event.target as Element).closest?.('[data-row]')) keep()
    }
    addEventListener('scroll', keepSoon, { passive: true })
    document.addEventListener('focusin', keepRow)
    return () => {
      clearTimeout(timer)
      removeEventListener('scroll', keepSoon)
      document.removeEventListener('focusin', keepRow)
    }
  }, [])

  const returned = useRef<string | null>(null)
  useEffect(() => {
    if (!isReady || returned.current === entry) return
    returned.current = entry
    if (!isPlace(history.state)) return
    const { y, row } = history.state.place
    scrollTo(0, y)
    if (row === null) return
    // The rows of that place are put into the page in the frames that follow.
    let frames = 0
    const look = () => {
      const found = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(row)}"]`)
      if (found) found.focus({ preventScroll: true })
      else if (frames++ < 10) requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }, [isReady, entry])
}
