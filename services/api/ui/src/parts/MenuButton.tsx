import { type ReactNode, useCallback, useState } from 'react'
import { Button } from './Button'
import { Icon } from './Icon'

/** An open menu: what it is of, and the button that it stands beside. */
export interface MenuAt<T> {
  payload: T
  anchor: HTMLElement
}

/** Which menu is open: the menu itself is loaded with the first one. */
export function useMenu<T>() {
  const [at, setAt] = useState<MenuAt<T> | null>(null)
  const [wasOpened, setOpened] = useState(false)
  const open = useCallback((opened: MenuAt<T>) => {
    setAt(opened)
    setOpened(true)
  }, [])
  const close = useCallback(() => setAt(null), [])
  return { at, wasOpened, open, close }
}

interface Props<T> {
  payload: T
  label: string
  onOpen: (at: MenuAt<T>) => void
  /** What it shows, where that is more than a sign; its name, then. */
  children?: ReactNode
}

/** Opens what else can be done: by a press, or by the arrow down. */
export function MenuButton<T>({ payload, label, onOpen, children }: Props<T>) {
  return (
    <Button
      {...(children ? {} : { kind: 'quiet', isSign: true, 'aria-label': label })}
      aria-haspopup="menu"
      // The menu says so while it is open: no row of a table is drawn anew for it.
      aria-expanded={false}
      onClick={(event) => onOpen({ payload, anchor: event.currentTarget })}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown') return
        event.preventDefault()
        event.stopPropagation()
        onOpen({ payload, anchor: event.currentTarget })
      }}
    >
      {children ?? <Icon name="more" />}
    </Button>
  )
}
