/** Keys that work on every screen; what has keys of its own (a table, a chart) tells beside it. */

import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { lazily } from '../parts/lazily'

const Palette = lazily(() => import('./Palette'))
const Keys = lazily(() => import('./Keys'))

const GO: Record<string, string> = {
  t: '/triggers',
  d: '/targets',
  e: '/events',
  o: '/overview',
  a: '/access',
}
const SEQUENCE_MS = 1_500

/** Whether a key belongs to what has the focus: a text, or a list that is open. */
function isTaken(event: KeyboardEvent): boolean {
  const target = event.target as Element | null
  return Boolean(
    target?.closest(
      'input, textarea, select, [contenteditable=true], .cm-editor, [role=dialog], [role=menu], [role=listbox]',
    ) || target?.shadowRoot,
  )
}

export function Shortcuts() {
  const [, go] = useLocation()
  const [shown, setShown] = useState<'palette' | 'keys' | null>(null)

  useEffect(() => {
    let wentAt = Number.NEGATIVE_INFINITY
    function onKey(event: KeyboardEvent): void {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setShown('palette')
        return
      }
      if (event.defaultPrevented || isTaken(event)) return
      if (event.ctrlKey || event.metaKey || event.altKey) return
      const way = GO[event.key]
      if (performance.now() - wentAt < SEQUENCE_MS && way) {
        wentAt = Number.NEGATIVE_INFINITY
        event.preventDefault()
        go(way)
      } else if (event.key === 'g') {
        wentAt = performance.now()
      } else if (event.key === 'n') {
        event.preventDefault()
        go('/triggers/new')
      } else if (event.key === '?') {
        setShown('keys')
      } else if (event.key === '/') {
        const search = document.querySelector<HTMLElement>('[data-search]')
        if (search) {
          event.preventDefault()
          search.focus()
        }
      }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [go])

  const close = () => setShown(null)
  return (
    <>
      {shown === 'palette' ? <Palette onClose={close} onKeys={() => setShown('keys')} /> : null}
      {shown === 'keys' ? <Keys onClose={close} /> : null}
    </>
  )
}
