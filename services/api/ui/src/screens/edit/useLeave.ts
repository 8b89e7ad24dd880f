/** Leaving with unsaved changes asks first. */
import { type RefObject, useEffect, useState } from 'react'
import { useLocation } from 'wouter'

interface NavigateEvent extends Event {
  navigationType: 'push' | 'replace' | 'reload' | 'traverse'
  destination: { url: string; key: string }
}
interface Navigation extends EventTarget {
  traverseTo: (key: string) => unknown
}

// Links, the page's own moves and Back all pass here, in browsers that have it; others ask where
// the page itself is left.
const navigation = (globalThis as { navigation?: Navigation }).navigation

/** The way that waits for an answer, and the two answers. `isKept` has its say at that moment. */
export function useLeave(isKept: RefObject<boolean>) {
  const [, go] = useLocation()
  const [wanted, setWanted] = useState<NavigateEvent | null>(null)

  useEffect(() => {
    const unload = (event: BeforeUnloadEvent) => {
      if (isKept.current) event.preventDefault()
    }
    const navigate = (event: Event) => {
      const way = event as NavigateEvent
      const isElsewhere = new URL(way.destination.url).pathname !== location.pathname
      if (!isKept.current || !event.cancelable || !isElsewhere) return
      if (way.navigationType === 'reload') return
      event.preventDefault()
      setWanted(way)
    }
    addEventListener('beforeunload', unload)
    navigation?.addEventListener('navigate', navigate)
    return () => {
      removeEventListener('beforeunload', unload)
      navigation?.removeEventListener('navigate', navigate)
    }
  }, [isKept])

  function leave(): void {
    if (!wanted) return
    isKept.current = false
    setWanted(null)
    const { destination, navigationType } = wanted
    const url = new URL(destination.url)
    if (navigationType === 'traverse') navigation?.traverseTo(destination.key)
    else if (url.origin === location.origin && url.pathname.startsWith('/ui/')) {
      go(url.pathname.slice('/ui'.length) + url.search + url.hash)
    } else location.assign(url)
  }

  return { isAsked: wanted !== null, leave, stay: () => setWanted(null) }
}
