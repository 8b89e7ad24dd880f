import { type FocusEvent, useRef, useState } from 'react'
import { isWorkedByKeys } from '../../parts/heir'
import type { Entry } from './story'

/** What one reads does not move: while the pointer or the focus is in the list, newer entries wait. */
export function useHeld(entries: readonly Entry[]) {
  const [since, setSince] = useState<number | null>(null)
  const newest = entries[0] ? Date.parse(entries[0].at) : 0
  const shown = since === null ? entries : entries.filter(({ at }) => Date.parse(at) <= since)
  const hold = () => setSince((before) => before ?? newest)
  const list = useRef<HTMLOListElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const isIn = (target: EventTarget | null) =>
    target instanceof Node && (list.current?.contains(target) || target === button.current)
  /** The focus goes to and fro between them: the button is not to leave under it. */
  const onBlur = (event: FocusEvent) => {
    if (!isIn(event.relatedTarget)) setSince(null)
  }
  return {
    shown,
    waiting: entries.length - shown.length,
    button: {
      ref: button,
      onBlur,
      onClick: () => {
        const isByKey = isWorkedByKeys()
        setSince(isByKey ? newest : null)
        if (!isByKey) return
        requestAnimationFrame(() => list.current?.querySelector('a')?.focus())
      },
    },
    list: {
      ref: list,
      onPointerEnter: hold,
      onFocus: hold,
      onPointerLeave: () => {
        if (!isIn(document.activeElement)) setSince(null)
      },
      onBlur,
    },
  }
}
