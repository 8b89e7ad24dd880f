import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { words } from './text'
import type { useLeave } from './useLeave'

/** Asked before unsaved changes are lost; staying is what a hasty Enter means. */
export function LeaveDialog({ isAsked, leave, stay }: ReturnType<typeof useLeave>) {
  return (
    <Dialog
      isOpen={isAsked}
      onClose={stay}
      title={words.leave.title}
      actions={
        <>
          <Button onClick={leave}>{words.leave.leave}</Button>
          <Button kind="primary" onClick={stay}>
            {words.leave.stay}
          </Button>
        </>
      }
    >
      <p>{words.leave.about}</p>
    </Dialog>
  )
}
