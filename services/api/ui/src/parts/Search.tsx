import { type RefObject, useEffect, useRef, useState } from 'react'
import './Input.css'
import './Toolbar.css'

interface Props {
  label: string
  q: string
  change: (changes: { q: string }, isTyping: boolean) => void
  input: RefObject<HTMLInputElement | null>
}

/** Typed words go into the address a moment after the last key; Back brings older ones here. */
export function Search({ label, q, change, input }: Props) {
  const [typed, setTyped] = useState(q)
  const sent = useRef(q)
  useEffect(() => {
    if (q === sent.current) return
    sent.current = q
    setTyped(q)
  }, [q])
  useEffect(() => {
    if (typed === sent.current) return undefined
    const timer = setTimeout(() => {
      sent.current = typed
      change({ q: typed }, true)
    }, 150)
    return () => clearTimeout(timer)
  }, [typed, change])
  return (
    <span className="search">
      <input
        ref={input}
        className="input"
        type="search"
        data-search
        aria-label={label}
        aria-keyshortcuts="/"
        placeholder={label}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && typed) setTyped('')
        }}
      />
      {typed ? null : <kbd className="search-key">/</kbd>}
    </span>
  )
}
