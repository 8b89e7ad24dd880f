/** Secrets that were just made, on their way from the answer that brought them to the page that
 * shows them: in this page's memory alone, and only until somebody has them. */
import { useSyncExternalStore } from 'react'

/** `secret` is null where the answer that had it never arrived. */
export interface Once {
  id: string
  secret: string | null
}

let kept: Once | null = null
const listeners = new Set<() => void>()

function put(once: Once | null): void {
  kept = once
  for (const listener of listeners) listener()
}

export const handOver = (id: string, secret: string | null): void => put({ id, secret })

export const forgetOnce = (): void => put(null)

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useOnce(id: string): Once | null {
  const once = useSyncExternalStore(subscribe, () => kept)
  return once?.id === id ? once : null
}
