import { useState } from 'react'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { readTarget, removeTarget, type Target } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Refusal } from '../../parts/Refusal'
import { tell } from '../../parts/Toast'
import { text } from '../../text'
import { nameOf } from './place'
import { words } from './text'

interface Props {
  target: Target
  onClose: () => void
  /** After it: a list drops the row, a page leads away. */
  onDeleted: () => void
}

const said = words.delete

/** Asks before a target is deleted; what names it still is told by the refusal. */
export function DeleteTarget({ target: first, onClose, onDeleted }: Props) {
  const [target, setTarget] = useState(first)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const name = nameOf(target)
  const isEdited = target.version !== first.version
  const isGone = error !== null && [404, 410].includes(asApiError(error).status)

  async function confirm(): Promise<void> {
    setBusy(true)
    setError(null)
    try {
      const written = await removeTarget(target.id, target.version)
      tell(said.done(name), written.done ? undefined : text.stored)
      onClose()
      await queries.invalidateQueries({ queryKey: ['/targets/'] })
      onDeleted()
    } catch (failure) {
      await refuse(failure)
    } finally {
      setBusy(false)
    }
  }

  async function refuse(failure: unknown): Promise<void> {
    if (asApiError(failure).status !== 412) return setError(failure)
    try {
      setTarget(await readTarget(target.id))
    } catch (other) {
      setError(other)
    }
  }

  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={said.title(name)}
      actions={
        <>
          <Button onClick={onClose}>{isGone ? said.close : said.cancel}</Button>
          {isGone ? null : (
            <Button kind="danger" isBusy={isBusy} onClick={() => void confirm()}>
              <span className="clip">{said.button(name)}</span>
            </Button>
          )}
        </>
      }
    >
      {isGone ? <p role="alert">{said.gone}</p> : <p>{said.told}</p>}
      {isEdited && !isGone ? (
        <p className="stale" role="alert">
          {said.edited(target.version)}
        </p>
      ) : null}
      {error !== null && !isGone ? <Refusal error={error} lead={said.failed} /> : null}
    </Dialog>
  )
}
