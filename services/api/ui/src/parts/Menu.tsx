import { Menu as Base } from '@base-ui/react/menu'
import type { ReactNode } from 'react'
import './Picker.css'

/** What belongs to one thing: a table has one of these for all its rows (a handle). */
export const menuHandle = Base.createHandle

export type MenuHandle<T> = ReturnType<typeof Base.createHandle<T>>

/** Opens the menu of ``handle`` for ``payload``. */
export function MenuTrigger<T>({
  handle,
  payload,
  label,
  children,
}: {
  handle: MenuHandle<T>
  payload: T
  label: string
  children: ReactNode
}) {
  return (
    <Base.Trigger
      className="button button-quiet button-sign"
      handle={handle}
      payload={payload}
      aria-label={label}
    >
      {children}
    </Base.Trigger>
  )
}

export function Menu<T>({
  handle,
  children,
}: {
  handle: MenuHandle<T>
  children: (payload: T) => ReactNode
}) {
  return (
    <Base.Root handle={handle}>
      {({ payload }: { payload: T | undefined }) => (
        <Base.Portal>
          <Base.Positioner className="popup-place" sideOffset={4} align="end">
            <Base.Popup className="popup">
              {payload === undefined ? null : children(payload)}
            </Base.Popup>
          </Base.Positioner>
        </Base.Portal>
      )}
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

export const MenuLine = () => <Base.Separator className="popup-line" />
