/** A new screen is met at its top and by its name, as a new document is: nothing else tells of it. */
let path = location.pathname
/** What had the focus when the last screen was left; `undefined`: nobody is on the way to one. */
let from: Element | null | undefined

function leave(event: Event): void {
  if (location.pathname === path) return
  path = location.pathname
  // Back leads to where one was: the browser and `useReturn` see to it.
  if (event.type === 'pushState') scrollTo(0, 0)
  // Nor is one led on from the first address of a visit: its focus is where the document begins.
  if (event.type !== 'replaceState' || document.activeElement !== document.body) {
    from = document.activeElement
  }
}

// Before the router hears of it: what is drawn then is drawn for the top.
for (const type of ['pushState', 'replaceState', 'popstate']) addEventListener(type, leave, true)

/** The screen's heading takes the focus, unless something of the screen did, or a dialog over it. */
export function arriveAt(heading: HTMLElement | null): void {
  if (from === undefined || heading === null) return
  const has = document.activeElement
  if (has === from || !has?.closest('main, [role=dialog]')) heading.focus({ preventScroll: true })
  from = undefined
}
