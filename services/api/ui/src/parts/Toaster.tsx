import { Toast as Base } from '@base-ui/react/toast'
import { useEffect } from 'react'
import { Button } from './Button'
import { Icon } from './Icon'
import { whenTold } from './Toast'
import './Toast.css'

const manager = Base.createToastManager()

/** The corner of the page in which toasts are shown. */
export default function Toaster() {
  return (
    <Base.Provider toastManager={manager} timeout={8_000}>
      <Base.Portal>
        <Base.Viewport className="toasts">
          <Shown />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function Shown() {
  const { toasts } = Base.useToastManager()
  // Here, since the provider listens by now.
  useEffect(
    () =>
      whenTold(({ title, description, way }) => {
        manager.add({
          title,
          ...(description ? { description } : {}),
          ...(way ? { actionProps: { children: way.label, onClick: way.go } } : {}),
        })
      }),
    [],
  )
  return toasts.map((toast) => (
    <Base.Root key={toast.id} toast={toast} className="toast">
      <Base.Content className="toast-content">
        <div className="toast-words">
          <Base.Title className="toast-title" />
          <Base.Description className="quiet" />
        </div>
        {toast.actionProps ? <Base.Action className="button" /> : null}
        <Base.Close render={<Button kind="quiet" isSign aria-label="Dismiss" />}>
          <Icon name="close" />
        </Base.Close>
      </Base.Content>
    </Base.Root>
  ))
}
