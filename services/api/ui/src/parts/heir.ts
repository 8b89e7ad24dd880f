/** Who has the focus after a control that leaves the page with it, as many do by their own press:
 * else it falls to the page itself, and keys begin again at its top. */
import { type FocusEvent, useLayoutEffect, useRef } from 'react'

const PLACES = 'section, [role=group], [role=tabpanel], [role=dialog], [role=alertdialog], main'

let isByKey = false
/** What stands in for something that has not come yet. */
let keeper: Element | null = null

const note = (event: Event): void => {
  // A screen reader presses with neither key nor pointer.
  if (event.type !== 'click') isByKey = event.type === 'keydown'
  else if ((event as MouseEvent).detail === 0) isByKey = true
}
for (const type of ['keydown', 'pointerdown', 'click']) addEventListener(type, note, true)

/** Whether who works this page does so by keys: what a pointer pressed need not lead on from there. */
export const isWorkedByKeys = (): boolean => isByKey

/** Nothing has the focus, or only what took it over from what was there before. */
export const isFocusFree = (): boolean =>
  document.activeElement === document.body || document.activeElement === keeper

export type Heir = () => Element | null | undefined

/** For a control that may leave: `heir`, asked for at the press, has the focus then, if it is there
 * still; else the part of the page in which the control was, or the page's title. */
export function useHeir(isDisabled: boolean, heir: Heir | undefined) {
  const own = useRef<HTMLElement | null>(null)
  const chosen = useRef<Element | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: what cannot be pressed loses it as well
  useLayoutEffect(() => {
    const path = location.pathname
    return () => {
      const left = own.current
      // Another screen is met by its title.
      if (!left || left !== document.activeElement || !isByKey || location.pathname !== path) return
      const places = placesOf(left)
      const table = left.closest('[role=table]')
      // Whoever has a better place has taken it by then.
      soon(() => {
        const isLost = document.activeElement === document.body || document.activeElement === left
        if (!isLost || (left.isConnected && !left.matches(':disabled'))) return
        // Of a row that was scrolled away: the one at which keys enter the table.
        const others = [chosen.current, table?.isConnected ? entryOf(table) : null, ...places]
        hand(others.find((each) => each?.isConnected))
      })
    }
  }, [isDisabled])
  return {
    onFocus: (event: FocusEvent<HTMLElement>) => {
      own.current = event.currentTarget
    },
    onPress: () => {
      chosen.current = heir?.() ?? null
    },
  }
}

function placesOf(element: Element): Element[] {
  const places: Element[] = []
  for (let at = element.closest(PLACES); at; at = at.parentElement?.closest(PLACES) ?? null) {
    places.push(at)
  }
  return places
}

function hand(to: Element | null | undefined): void {
  const place = to?.matches('main') ? to.querySelector('h1') : to
  const found = place ?? document.querySelector('main h1')
  if (!(found instanceof HTMLElement)) return
  keeper = found
  if (found.tabIndex < 0 && !found.hasAttribute('tabindex')) {
    found.tabIndex = -1
    found.addEventListener('blur', () => found.removeAttribute('tabindex'), { once: true })
  }
  found.focus({ preventScroll: true })
}

/** A browser takes the focus from what is disabled after it has drawn that. */
const soon = (then: () => void) => requestAnimationFrame(() => requestAnimationFrame(then))

/** The row at which keys enter a table: where one was, if that is in sight, else the first that is. */
export const entryOf = (table: Element | null): HTMLElement | null =>
  table?.querySelector<HTMLElement>('[data-row][tabindex="0"]') ?? null

/** The end of a list, for what stands below it: the next step from there leads to what is new. */
export function lastOf(list: Element | null | undefined): Element | null {
  const rows = list?.querySelectorAll('[data-row]') ?? []
  const all = rows.length > 0 ? rows : (list?.querySelectorAll('a[href], button, summary') ?? [])
  return all[all.length - 1] ?? null
}
