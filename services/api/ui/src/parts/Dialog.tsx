import { Dialog as Base } from '@base-ui/react/dialog'
import type { ReactNode, RefObject } from 'react'
import { Button } from './Button'
import './Dialog.css'
import { Icon } from './Icon'
import { useReach } from './useReach'

interface Props {
  isOpen: boolean
  onClose: () => void
  title: string
  /** What stands at its end: the ways on. */
  actions?: ReactNode
  isWide?: boolean
  initialFocus?: RefObject<HTMLElement | null>
  children: ReactNode
}

/** Asks or shows something before all else; Escape and a press outside close it. */
export function Dialog({ isOpen, onClose, title, actions, isWide, initialFocus, children }: Props) {
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup
          className={isWide ? 'dialog dialog-wide' : 'dialog'}
          {...(initialFocus ? { initialFocus } : {})}
        >
          <Base.Title className="dialog-title">{title}</Base.Title>
          <Body>{children}</Body>
          {actions ? <div className="dialog-actions">{actions}</div> : null}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** Mounted with the popup: it is in no page before. */
function Body({ children }: { children: ReactNode }) {
  const reach = useReach()
  return (
    <div ref={reach} className="dialog-body">
      {children}
    </div>
  )
}

/** Beside the page: one row of a list in full, while the list stays in sight. */
export function Drawer({
  isOpen,
  onClose,
  title,
  children,
}: Pick<Props, 'isOpen' | 'onClose' | 'title' | 'children'>) {
  return (
    <Base.Root
      open={isOpen}
      onOpenChange={(open) => !open && onClose()}
      modal={false}
      // The list beside it is for pressing: another row is shown then.
      disablePointerDismissal
    >
      <Base.Portal>
        <Base.Popup className="drawer">
          <div className="drawer-head">
            <Base.Title className="dialog-title">{title}</Base.Title>
            <Base.Close render={<Button kind="quiet" isSign aria-label="Close" />}>
              <Icon name="close" />
            </Base.Close>
          </div>
          <div className="drawer-body">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
