import { Menu as Base } from '@base-ui/react/menu'
import { type ReactNode, useEffect } from 'react'
import type { MenuAt } from './MenuButton'
import './Picker.css'

interface Props<T> {
  /** What is open, if anything: a table has one menu for all its rows. */
  at: MenuAt<T> | null
  onClose: () => void
  label: string
  children: (payload: T) => ReactNode
}

/** What can be done with one thing, beside the ``MenuButton`` that opened it. */
export function Menu<T>({ at, onClose, label, children }: Props<T>) {
  const anchor = at?.anchor
  useEffect(() => {
    anchor?.setAttribute('aria-expanded', 'true')
    return () => anchor?.setAttribute('aria-expanded', 'false')
  }, [anchor])
  return (
    <Base.Root open={at !== null} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Base.Portal>
        <Base.Positioner className="popup-place" anchor={anchor ?? null} sideOffset={4} align="end">
          <Base.Popup className="popup" aria-label={label} finalFocus={() => anchor ?? true}>
            {at === null ? null : children(at.payload)}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

export function MenuItem({
  onPick,
  isDanger,
  children,
}: {
  onPick: () => void
  isDanger?: boolean
  children: ReactNode
}) {
  return (
    <Base.Item className={isDanger ? 'popup-item is-danger' : 'popup-item'} onClick={onPick}>
      {children}
    </Base.Item>
  )
}

/** A file to download. */
export function MenuLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Base.LinkItem className="popup-item popup-way" href={href} download closeOnClick>
      {children}
    </Base.LinkItem>
  )
}

export const MenuLine = () => <Base.Separator className="popup-line" />
