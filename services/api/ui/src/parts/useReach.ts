import { type RefObject, useEffect, useRef } from 'react'

const FOCUSABLE = 'a[href], button:enabled, input:enabled, textarea:enabled, summary, [tabindex]'

/** Puts what scrolls in reach of the keys: by itself, where nothing in it can be focused. */
export function useReach(): RefObject<HTMLDivElement | null> {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const box = ref.current
    if (!box) return
    const look = () => {
      const isScrolling = box.scrollHeight > box.clientHeight || box.scrollWidth > box.clientWidth
      if (isScrolling && !box.querySelector(FOCUSABLE)) box.tabIndex = 0
      else box.removeAttribute('tabindex')
    }
    const sizes = new ResizeObserver(look)
    const content = new MutationObserver(look)
    sizes.observe(box)
    content.observe(box, { childList: true, subtree: true, characterData: true })
    return () => {
      sizes.disconnect()
      content.disconnect()
    }
  }, [])
  return ref
}
