/** Parts of the page that are loaded when they are first shown. */
import { type ComponentType, type ReactNode, useEffect, useRef, useState } from 'react'
import { text } from '../text'
import { loading } from './loading'
import { NotLoaded } from './States'
import { tell } from './Toast'

const PAUSE = 2_000

/** What `load` brings, once it is there; `meanwhile` stands in its place.
 *
 * What cannot be loaded leaves the page as it is, with what was typed in it, and is asked for again
 * and again: React's own `lazy` would take the screen away, and never ask twice.
 */
export function lazily<P extends object>(
  load: () => Promise<{ default: ComponentType<P> }>,
  meanwhile: ReactNode = null,
): ComponentType<P> {
  let loaded: ComponentType<P> | null = null

  // biome-ignore lint/correctness/noComponentHookFactories: once a module, as React's lazy is
  return function Lazily(props: P) {
    const [isThere, setThere] = useState(loaded !== null)
    const [failures, setFailures] = useState(0)
    const again = useRef(() => {})

    useEffect(() => {
      if (isThere) return
      let timer: ReturnType<typeof setTimeout> | undefined
      let isOver = false
      const ask = async () => {
        clearTimeout(timer)
        try {
          loaded = (await loading(load)).default
          if (!isOver) setThere(true)
        } catch {
          if (isOver) return
          setFailures((before) => before + 1)
          timer = setTimeout(ask, PAUSE)
        }
      }
      again.current = () => void ask()
      void ask()
      return () => {
        isOver = true
        clearTimeout(timer)
      }
    }, [isThere])

    // Where nothing stands in its place nobody would see why a press did nothing.
    const isUntold = failures > 0 && meanwhile === null
    useEffect(() => {
      if (isUntold) tell(text.notLoaded, text.notLoadedHint)
    }, [isUntold])

    const Part = loaded
    if (Part !== null) return <Part {...props} />
    if (failures === 0 || meanwhile === null) return meanwhile
    return <NotLoaded failures={failures} onRetry={() => again.current()} />
  }
}
