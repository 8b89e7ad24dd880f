import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { newKey } from '../../api/client'
import { asApiError } from '../../api/problem'
import { createTarget, patchTarget, type TargetType } from '../../api/targets'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { lazily } from '../../parts/lazily'
import { tell } from '../../parts/Toast'
import { changesOf, type Fields } from '../edit/draft'
import { focusField } from '../edit/form'
import { same } from '../edit/json'
import type { Placed } from '../edit/pointers'
import { Summary } from '../edit/Summary'
import { useLeave } from '../edit/useLeave'
import { handOver } from '../target/once'
import { SecretOnce } from '../target/Secret'
import { nameOf } from '../targets/place'
import { draftOf, fieldsOf, type TargetDraft } from './draft'
import type { TargetForm } from './form'
import { Pace } from './Pace'
import { Preview } from './Preview'
import { localErrors } from './pointers'
import { Request } from './Request'
import { applied, forget, type Opened, type Refusal, refusalOf } from './save'
import { words } from './text'
import { What } from './What'

// Beside the form, so that it is there when needed.
const LeaveDialog = lazily(async () => ({
  default: (await import('../edit/LeaveDialog')).LeaveDialog,
}))
const Conflict = lazily(async () => ({ default: (await import('./Conflict')).Conflict }))

interface Props {
  initial: TargetDraft
  opened: Opened | null
}

type Step = 'editing' | 'saving' | 'conflict' | 'stored'

export function Editor({ initial, opened: first }: Props) {
  const [, go] = useLocation()
  const { change } = useAddress()
  const [draft, setDraft] = useState(initial)
  const [opened, setOpened] = useState(first)
  const [errors, setErrors] = useState<readonly Placed[]>([])
  const [failed, setFailed] = useState<Extract<Refusal, { kind: 'failed' }> | null>(null)
  const [step, setStep] = useState<Step>('editing')
  /** Of a create that is stored and not applied yet. */
  const [storedId, setStoredId] = useState<string | null>(null)
  const summary = useRef<HTMLDivElement>(null)
  const isToldAbove = useRef(false)
  const isHere = useRef(true)
  const key = useRef(newKey())
  const isUnsure = useRef(false)

  const mine = useMemo(() => fieldsOf(draft), [draft])
  const patch = useMemo(
    () => (opened ? changesOf(opened.fields, mine).patch : null),
    [opened, mine],
  )
  const count = Object.keys(patch ?? {}).length
  const isDirty = patch
    ? count > 0
    : draft.secret !== '' || !same({ ...mine, type: null }, { ...fieldsOf(initial), type: null })
  const isKept = useRef(false)
  isKept.current = isDirty && step !== 'stored'
  const leaving = useLeave(isKept)

  // Once it stands there, and after a dialog that closes has given the focus back.
  useEffect(() => {
    if (!isToldAbove.current) return
    isToldAbove.current = false
    requestAnimationFrame(() => summary.current?.focus())
  })

  useEffect(() => {
    isHere.current = true
    return () => {
      isHere.current = false
    }
  }, [])

  const form: TargetForm = {
    draft,
    errors,
    quiet: [],
    set: (changes, pointer) => {
      setDraft((before) => ({ ...before, ...changes }))
      setErrors((before) => before.filter((error) => error.field !== pointer))
    },
  }

  function setType(type: TargetType): void {
    form.set({ type }, '/type')
    setErrors([])
    // A reload, or a colleague with this address, begins with the same type.
    change({ type }, true)
  }

  function refuse(refusal: Refusal): void {
    setStep(refusal.kind === 'conflict' ? 'conflict' : 'editing')
    setFailed(refusal.kind === 'failed' ? refusal : null)
    const found = refusal.kind === 'fields' ? refusal.errors : []
    setErrors(found)
    const [only] = found
    if (found.length === 1 && only?.field) focusField(only.field, only.at)
    else if (refusal.kind !== 'conflict') isToldAbove.current = true
    // Stored under this key was something else: what is sent now is another wish.
    if (refusal.kind === 'failed' && refusal.error.code === 'idempotency-mismatch') {
      key.current = newKey()
      isUnsure.current = false
    }
  }

  /** A refusal may be stored under its key, too: what is mended is another wish, unless an attempt
   * was left without an answer. That one may have been stored, and is not to be made twice. */
  function settle(error: unknown): void {
    if (asApiError(error).isAway) isUnsure.current = true
    else if (!isUnsure.current) key.current = newKey()
  }

  async function save(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (step !== 'editing') return
    const local = localErrors(draft)
    if (local.length > 0) return refuse({ kind: 'fields', errors: local })
    setErrors([])
    setFailed(null)
    setStep('saving')
    try {
      if (opened) await saveEdit(opened, patch ?? {})
      else await saveNew()
    } catch (error) {
      settle(error)
      refuse(refusalOf(error, draft))
    }
  }

  async function saveEdit({ id, version }: Opened, changes: Fields): Promise<void> {
    const written = await patchTarget(id, changes, version)
    if (!written.done) setStep('stored')
    await applied(written, version, () => isHere.current)
    done(id, words.save.saved(nameOfDraft(id)))
  }

  async function saveNew(): Promise<void> {
    const own = draft.secret.trim()
    const isOwn = own !== '' && draft.type === 'webhook'
    const written = await createTarget(isOwn ? { ...mine, secret: own } : mine, key.current)
    const { id, secret } = written.value
    // Who brought one along has it.
    if (draft.type === 'webhook' && !isOwn) handOver(id, secret ?? null)
    if (!written.done) {
      setStoredId(id)
      setStep('stored')
    }
    await applied(written, 0, () => isHere.current)
    done(id, words.save.created(nameOfDraft(id)))
  }

  const nameOfDraft = (id: string): string =>
    nameOf({
      id,
      name: draft.name.trim() || null,
      url: draft.type === 'webhook' ? draft.url.trim() : null,
      subject: draft.type === 'nats' ? draft.subject.trim() : null,
    })

  function done(id: string, said: string): void {
    if (!isHere.current) return
    isKept.current = false
    forget()
    tell(said)
    go(`/targets/${id}`)
  }

  /** Theirs becomes what is edited, and what was chosen is what differs from it. */
  function rebase(theirs: Opened, fields: Fields): void {
    setOpened(theirs)
    setDraft(draftOf(fields))
    setStep('editing')
  }

  return (
    <form className="edit" onSubmit={(event) => void save(event)} noValidate>
      <Summary
        words={words.save}
        list="/targets"
        ref={summary}
        errors={errors}
        failed={failed?.error ?? null}
        isCreate={opened === null}
        name={draft.name}
      />
      {step === 'stored' ? (
        <div className="target-stored">
          <p className="stale" role="status">
            {words.save.stored}
          </p>
          {storedId === null ? null : <SecretOnce id={storedId} />}
        </div>
      ) : null}
      <div className="edit-main">
        <What form={form} onType={opened ? null : setType} />
        <Request form={form} />
        <Pace form={form} isNew={opened === null} />
      </div>
      <div className="edit-aside">
        <Preview draft={draft} />
      </div>
      <div className="edit-bar">
        <span className="quiet" role="status">
          {opened ? (count > 0 ? words.save.changed(count) : words.save.nothing) : ''}
        </span>
        <Button kind="quiet" onClick={() => go(opened ? `/targets/${opened.id}` : '/targets')}>
          {words.save.cancel}
        </Button>
        <Button
          kind="primary"
          type="submit"
          isBusy={step === 'saving' || step === 'stored'}
          disabled={opened !== null && count === 0}
        >
          {opened ? words.save.save : words.save.create}
        </Button>
      </div>
      {opened && step === 'conflict' ? (
        <Conflict
          opened={opened}
          mine={mine}
          onClose={() => setStep('editing')}
          onResolved={rebase}
          onGone={(error) => refuse(refusalOf(error, draft))}
        />
      ) : null}
      <LeaveDialog {...leaving} />
    </form>
  )
}
