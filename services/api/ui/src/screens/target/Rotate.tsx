import { useRef, useState } from 'react'
import { newKey } from '../../api/client'
import { asApiError, type FieldError } from '../../api/problem'
import { queries } from '../../api/queries'
import { readTarget, rotateSecret, type Target } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Field, Input } from '../../parts/Field'
import { Refusal } from '../../parts/Refusal'
import { tell } from '../../parts/Toast'
import { text } from '../../text'
import type { Faults } from '../edit/form'
import { LengthField } from '../edit/Inputs'
import { type Length, spoken } from '../edit/length'
import { placed } from '../edit/pointers'
import { nameOf } from '../targets/place'
import { handOver } from './once'
import { words } from './text'

const said = words.rotate

/** Makes another secret sign, with the present one beside it for a while. */
export function Rotate({ target: first, onClose }: { target: Target; onClose: () => void }) {
  const [target, setTarget] = useState(first)
  const [own, setOwn] = useState('')
  const [overlap, setOverlap] = useState<Length>({ count: '', unit: 'h' })
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const key = useRef(newKey())
  const errors = error === null ? [] : asApiError(error).errors
  const name = nameOf(target)

  async function confirm(): Promise<void> {
    setBusy(true)
    setError(null)
    try {
      const fields = {
        ...(own.trim() ? { secret: own.trim() } : {}),
        ...(overlap.count.trim() ? { overlap: spoken(overlap) } : {}),
      }
      const written = await rotateSecret(target.id, fields, target.version, key.current)
      tell(said.done(name), written.done ? undefined : text.stored)
      onClose()
      // Who brought one along has it.
      if (!own.trim()) handOver(target.id, written.value.secret ?? null)
      await queries.invalidateQueries({ queryKey: ['/targets', target.id] })
    } catch (failure) {
      await refuse(failure)
    } finally {
      setBusy(false)
    }
  }

  async function refuse(failure: unknown): Promise<void> {
    const { status, isAway } = asApiError(failure)
    // Nothing came of it, so what is sent next is another wish; else it may have been stored.
    if (!isAway) key.current = newKey()
    if (status !== 412) return setError(failure)
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
          <Button onClick={onClose}>{said.cancel}</Button>
          <Button kind="primary" isBusy={isBusy} onClick={() => void confirm()}>
            {said.confirm}
          </Button>
        </>
      }
    >
      <p>{said.told}</p>
      <LengthField
        form={faultsOf(errors)}
        pointer="/overlap"
        label={said.overlap}
        hint={said.overlapHint}
        value={overlap}
        onChange={setOverlap}
      />
      <Field label={said.own} name="/secret" hint={said.ownHint} error={messageAt(errors)}>
        <Input
          className="input mono"
          type="password"
          autoComplete="new-password"
          spellCheck={false}
          placeholder="whsec_"
          value={own}
          onChange={(event) => setOwn(event.target.value)}
        />
      </Field>
      {target.version === first.version ? null : (
        <p className="stale" role="alert">
          {said.edited(target.version)}
        </p>
      )}
      {error !== null ? <Refusal error={error} lead={said.failed} /> : null}
    </Dialog>
  )
}

const messageAt = (errors: readonly FieldError[]): string | null =>
  errors.find(({ pointer }) => pointer === '/secret')?.message ?? null

function faultsOf(errors: readonly FieldError[]): Faults {
  const own = errors.filter(({ pointer }) => pointer === '/overlap')
  return { errors: own.map((each) => ({ ...placed(each, 'api'), field: '/overlap' })), quiet: [] }
}
