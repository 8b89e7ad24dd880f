import type { Trigger } from '../../api/triggers'
import { lazily } from '../../parts/lazily'

// None is open when a page is: none belongs to what is loaded first.
const DeleteDialog = lazily(async () => ({
  default: (await import('./DeleteDialog')).DeleteDialog,
}))
const FireDialog = lazily(async () => ({ default: (await import('./FireDialog')).FireDialog }))
const PauseDialog = lazily(async () => ({ default: (await import('./PauseDialog')).PauseDialog }))

/** What is asked about a trigger before it is done. */
export interface Asking {
  what: 'fire' | 'test' | 'pause' | 'delete'
  trigger: Pick<Trigger, 'id' | 'name'>
}

interface Props {
  asking: Asking | null
  ask: (asking: Asking | null) => void
  onDeleted?: (id: string) => void
}

/** The one dialog that is open, if any: of the rows of a list, or of the page of a trigger. */
export function Asked(props: Props) {
  return dialogOf(props)
}

function dialogOf({ asking, ask, onDeleted }: Props) {
  if (asking === null) return null
  const { what, trigger } = asking
  const close = () => ask(null)
  if (what === 'delete') {
    return (
      <DeleteDialog trigger={trigger} onClose={close} onDeleted={() => onDeleted?.(trigger.id)} />
    )
  }
  if (what === 'pause') {
    return (
      <PauseDialog
        trigger={trigger}
        onClose={close}
        onDelete={() => ask({ what: 'delete', trigger })}
      />
    )
  }
  return <FireDialog trigger={trigger} isTest={what === 'test'} onClose={close} />
}
