import { useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { createTarget, patchTarget, readTargetsById, type TargetType } from '../../api/targets'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { lazily } from '../../parts/lazily'
import { tell } from '../../parts/Toast'
import { applied } from '../edit/applied'
import { changesOf, type Fields } from '../edit/draft'
import { same } from '../edit/json'
import type { Fault } from '../edit/pointers'
import { Summary } from '../edit/Summary'
import { useLeave } from '../edit/useLeave'
import { useSave } from '../edit/useSave'
import { handOver } from '../target/once'
import { SecretOnce } from '../target/Secret'
import { nameOf } from '../targets/place'
import { draftOf, fieldsOf, type TargetDraft } from './draft'
import type { TargetForm } from './form'
import { Pace } from './Pace'
import { Preview } from './Preview'
import { inOrder, localErrors, placed } from './pointers'
import { Request } from './Request'
import { forget, type Opened } from './save'
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

export function Editor({ initial, opened: first }: Props) {
  const [, go] = useLocation()
  const { change } = useAddress()
  const [draft, setDraft] = useState(initial)
  const [opened, setOpened] = useState(first)
  /** Of a create that is stored and not applied yet. */
  const [storedId, setStoredId] = useState<string | null>(null)
  const place = (faults: readonly Fault[]) => inOrder(faults.map((each) => placed(each, draft)))
  const saving = useSave(place)
  const { step, setStep, errors, key } = saving

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

  const form: TargetForm = {
    draft,
    errors,
    quiet: [],
    set: (changes, pointer) => {
      setDraft((before) => ({ ...before, ...changes }))
      saving.mend(pointer)
    },
  }

  function setType(type: TargetType): void {
    form.set({ type }, '/type')
    saving.mend()
    // A reload, or a colleague with this address, begins with the same type.
    change({ type }, true)
  }

  async function save(): Promise<void> {
    saving.begin()
    setStep('saving')
    if (opened) await saveEdit(opened, patch ?? {})
    else await saveNew()
  }

  async function saveEdit({ id, version }: Opened, changes: Fields): Promise<void> {
    const written = await patchTarget(id, changes, version)
    if (!written.done) setStep('stored')
    await applied(written, version, readTargetsById, saving.isHere)
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
    await applied(written, 0, readTargetsById, saving.isHere)
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
    if (!saving.isHere()) return
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
    <form
      className="edit"
      onSubmit={(event) => void saving.submit(event, localErrors(draft), save)}
      noValidate
    >
      <Summary
        words={words.save}
        list="/targets"
        ref={saving.summary}
        errors={errors}
        failed={saving.failed}
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
          onGone={saving.fail}
        />
      ) : null}
      <LeaveDialog {...leaving} />
    </form>
  )
}
