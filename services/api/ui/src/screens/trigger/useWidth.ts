import { type RefObject, useLayoutEffect, useState } from 'react'

/** How wide an element is, so that what is drawn in it keeps the size of its text. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const shown = element.current
    if (!shown) return
    const observer = new ResizeObserver(() => setWidth(shown.clientWidth))
    observer.observe(shown)
    setWidth(shown.clientWidth)
    return () => observer.disconnect()
  }, [element])
  return width
}
