/** The server's clock, as far as this page knows it, and one ticker for all that shows it. */
import { useSyncExternalStore } from 'react'

let offset = 0

/** Learn from an answer of the server: `now` lies between the asking and the answer. */
export function learnNow(now: string, askedAt: number): void {
  const middle = Date.now() - (performance.now() - askedAt) / 2
  offset = Date.parse(now) - middle
  // What is in sight must not go by another clock until the next second.
  if (Math.floor(serverNow() / 1000) !== second) tick()
}

/** The server's now, in milliseconds. */
export function serverNow(): number {
  return Date.now() + offset
}

const listeners = new Set<() => void>()
let second = Math.floor(serverNow() / 1000)
let timer: ReturnType<typeof setTimeout> | undefined

function tick(): void {
  second = Math.floor(serverNow() / 1000)
  for (const tell of listeners) tell()
  schedule()
}

function schedule(): void {
  clearTimeout(timer)
  timer = undefined
  // Nobody sees a hidden page; it shows the right time again as soon as it is seen.
  if (listeners.size === 0 || document.hidden) return
  timer = setTimeout(tick, 1000 - (serverNow() % 1000) + 5)
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell)
  if (timer === undefined) schedule()
  return () => {
    listeners.delete(tell)
    if (listeners.size === 0) schedule()
  }
}

if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => !document.hidden && tick())
}

/** The server's now in whole seconds; whoever uses it is shown anew each second. */
export function useSecond(): number {
  return useSyncExternalStore(subscribe, () => second)
}
