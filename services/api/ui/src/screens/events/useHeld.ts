import { type RefObject, useRef } from 'react'

// After a tap, a touched row counts as hovered for ever.
const HOVERS = matchMedia('(hover: hover)')

/** Whether what is in sight is being read: then nothing is put in above it. */
export function useHeld(table: RefObject<HTMLElement | null>, isOpen: boolean) {
  const held = useRef((): boolean => false)
  held.current = () => {
    const element = table.current
    if (!element) return false
    const selection = getSelection()
    const isSelecting =
      selection !== null &&
      !selection.isCollapsed &&
      selection.anchorNode !== null &&
      element.contains(selection.anchorNode)
    return (
      isOpen ||
      scrollY > 8 ||
      isSelecting ||
      (HOVERS.matches && element.matches(':hover')) ||
      element.contains(document.activeElement) ||
      // About to be pressed: it is not to leave under whoever came there by keys.
      document.activeElement?.matches('[data-fresh]') === true
    )
  }
  return held
}
