import { type ComponentType, useEffect, useState, useSyncExternalStore } from 'react'
import { loading } from './loading'

export interface Told {
  title: string
  description?: string | undefined
  way?: { label: string; go: () => void } | undefined
}

let waiting: readonly Told[] = []
let take: ((told: Told) => void) | null = null
const listeners = new Set<() => void>()

/** Told once, read out, and gone by itself: that something was done, with the way to it. */
export function tell(title: string, description?: string, way?: Told['way']): void {
  const told = { title, description, way }
  if (take) {
    take(told)
    return
  }
  waiting = [...waiting, told]
  for (const listener of listeners) listener()
}

/** For what shows them: hands over what was told before it was there. */
export function whenTold(taker: (told: Told) => void): () => void {
  take = taker
  for (const told of waiting) taker(told)
  waiting = []
  return () => {
    take = null
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Most visits tell nothing: what shows it is loaded with the first word. */
export function Toasts() {
  const count = useSyncExternalStore(subscribe, () => waiting.length)
  const [Toaster, setToaster] = useState<ComponentType | null>(null)
  useEffect(() => {
    if (count === 0) return
    // Where it cannot be had just now, the next word asks for it again.
    loading(() => import('./Toaster')).then(
      (loaded) => setToaster(() => loaded.default),
      () => undefined,
    )
  }, [count])
  return Toaster ? <Toaster /> : null
}
