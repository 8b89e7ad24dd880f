import { type ReactNode, type RefObject, Suspense, useEffect, useRef, useState } from 'react'
import { text } from '../text'
import { loading } from './loading'
import { tell } from './Toast'

interface Props {
  popup: 'listbox' | 'dialog'
  className: string
  label: string
  /** Loads `part`: begun when somebody comes near. */
  load: () => Promise<unknown>
  /** What takes the place of the button, and opens by ``useOpening``. */
  part: ReactNode
  children: ReactNode
}

/** What a picker is until it is first wanted: a button that looks the same. */
export function Opens({ popup, className, label, load, part, children }: Props) {
  const [isWanted, setWanted] = useState(false)
  // Not before it is there: a page on which somebody types must not break for a list.
  const want = () => void loading(load).then(() => setWanted(true), notLoaded)
  const near = () => void loading(load).catch(() => undefined)
  const shut = (
    <button
      type="button"
      role="combobox"
      aria-expanded="false"
      aria-haspopup={popup}
      aria-label={label}
      className={className}
      onPointerEnter={near}
      onFocus={near}
      onClick={want}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
        event.preventDefault()
        want()
      }}
    >
      {children}
    </button>
  )
  return isWanted ? <Suspense fallback={shut}>{part}</Suspense> : shut
}

const notLoaded = () => tell(text.notLoaded, text.notLoadedHint)

interface Opening {
  trigger: RefObject<HTMLButtonElement | null>
  isOpen: boolean
  setOpen: (isOpen: boolean) => void
}

/** Open as soon as it is there. The button that had the focus is gone: the new one takes it over,
 *  so that whoever closes the popup comes back here. */
export function useOpening(): Opening {
  const trigger = useRef<HTMLButtonElement>(null)
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    trigger.current?.focus()
    setOpen(true)
  }, [])
  return { trigger, isOpen, setOpen }
}
