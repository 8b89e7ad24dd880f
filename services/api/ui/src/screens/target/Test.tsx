import { useMutation } from '@tanstack/react-query'
import { queries } from '../../api/queries'
import { type Target, testTarget } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Refusal } from '../../parts/Refusal'
import { Try } from '../events/Try'
import { nameOf } from '../targets/place'
import { words } from './text'

const said = words.test

/** Sends one test event to the target, past all that waits there, and shows what came back. */
export function Test({ target, onClose }: { target: Target; onClose: () => void }) {
  const run = useMutation({
    mutationFn: () => testTarget(target.id),
    onSettled: () => queries.invalidateQueries({ queryKey: ['/targets', target.id] }),
  })
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={said.title(nameOf(target))}
      actions={
        <>
          <Button onClick={onClose}>{said.close}</Button>
          <Button kind="primary" isBusy={run.isPending} onClick={() => run.mutate()}>
            {said.run}
          </Button>
        </>
      }
    >
      <p>{said.told}</p>
      <div role="status" className="target-tested">
        {run.isPending ? <p className="quiet">{said.waiting}</p> : null}
        {run.data && !run.isPending ? <Try attempt={run.data} zone={null} /> : null}
      </div>
      {run.isError ? <Refusal error={run.error} lead={said.failed} /> : null}
    </Dialog>
  )
}
