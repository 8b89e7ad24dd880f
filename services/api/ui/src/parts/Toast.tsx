import { Toast as Base } from '@base-ui/react/toast'
import { Button } from './Button'
import { Icon } from './Icon'
import './Toast.css'

/** Told once, read out, and gone by itself: that something was done, with the way to it. */
export const toasts = Base.createToastManager()

export function tell(title: string, description?: string, way?: { label: string; go: () => void }) {
  toasts.add({
    title,
    ...(description ? { description } : {}),
    ...(way ? { actionProps: { children: way.label, onClick: way.go } } : {}),
  })
}

export function Toasts() {
  return (
    <Base.Provider toastManager={toasts} timeout={8_000}>
      <Base.Portal>
        <Base.Viewport className="toasts">
          <Shown />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function Shown() {
  const { toasts: shown } = Base.useToastManager()
  return shown.map((toast) => (
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
