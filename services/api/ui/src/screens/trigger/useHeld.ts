import { type FocusEvent, useState } from 'react'
import type { Entry } from './story'

/** What one reads does not move: while the pointer or the focus is in the list, newer entries wait. */
export function useHeld(entries: readonly Entry[]) {
  const [since, setSince] = useState<number | null>(null)
  const newest = entries[0] ? Date.parse(entries[0].at) : 0
  const shown = since === null ? entries : entries.filter(({ at }) => Date.parse(at) <= since)
  const hold = () => setSince((before) => before ?? newest)
  return {
    shown,
    waiting: entries.length - shown.length,
    showAll: () => setSince(newest),
    handlers: {
      onPointerEnter: hold,
      onFocus: hold,
      onPointerLeave: (event: { currentTarget: Element }) => {
        if (!event.currentTarget.contains(document.activeElement)) setSince(null)
      },
      onBlur: (event: FocusEvent) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setSince(null)
      },
    },
  }
}
