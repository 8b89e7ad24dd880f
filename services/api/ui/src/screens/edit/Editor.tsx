import { useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { readTriggersById } from '../../api/triggers'
import { create } from '../../api/writes'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { tell } from '../../parts/Toast'
import { type Opened, useAhead } from './ahead'
import { applied } from './applied'
import {
  changesOf,
  type Draft,
  draftOf,
  type Fields,
  fieldsOf,
  isChanged,
  type Kind,
} from './draft'
import type { Form } from './form'
import { same } from './json'
import { type Typed, useKept } from './kept'
import { Payload } from './Payload'
import { Preview } from './Preview'
import { type Fault, placed } from './pointers'
import { Snippets } from './Snippets'
import { Summary } from './Summary'
import { forget, localErrors } from './save'
import { Targets } from './Targets'
import { TestPanel } from './TestPanel'
import { words } from './text'
import { useDialogs } from './useDialogs'
import { useLeave } from './useLeave'
import { useSave } from './useSave'
import { What } from './What'
import { When } from './When'

interface Props {
  initial: Draft
  opened: Opened | null
  isCopy?: boolean
}

export function Editor({ initial, opened: first, isCopy = false }: Props) {
  const [, go] = useLocation()
  const { search, change } = useAddress()
  const typed = useRef<Typed | null>(null)
  const kept = useKept(typed)
  const [draft, setDraft] = useState(kept?.draft ?? initial)
  const [opened, setOpened] = useState(kept?.opened ?? first)
  const place = (faults: readonly Fault[]) => faults.map((each) => placed(each, draft.kind))
  const saving = useSave(place, kept?.key)
  const { step, setStep, errors, key } = saving

  const mine = useMemo(() => fieldsOf(draft), [draft])
  const changes = useMemo(() => (opened ? changesOf(opened.fields, mine) : null), [opened, mine])
  const isDirty = changes ? isChanged(changes) : isCopy || !same(mine, fieldsOf(initial))
  const isKept = useRef(false)
  const dialogs = useDialogs(isDirty)
  isKept.current = isDirty && step !== 'stored' && dialogs.there !== null
  const leaving = useLeave(isKept)
  typed.current = isDirty && step !== 'stored' ? { draft, opened, key: key.current } : null

  const asked = useAhead(draft, opened)
  const quiet = useMemo(
    () => (asked.error?.errors ?? []).map((error) => placed(error, draft.kind)),
    [asked.error, draft.kind],
  )
  const form: Form = {
    draft,
    errors,
    quiet,
    set: (fields, pointer) => {
      setDraft((before) => ({ ...before, ...fields }))
      saving.mend(pointer)
    },
  }

  function setKind(kind: Kind): void {
    form.set({ kind }, '/type')
    saving.mend()
    // A reload, or a colleague with this address, begins with the same kind.
    if (!opened && search.get('copy') === null) change({ kind }, true)
  }

  async function save(): Promise<void> {
    // Until they are there what was said stays, with the way to ask for them again.
    if (opened) await dialogs.load()
    saving.begin()
    if (opened) return setStep('review')
    setStep('saving')
    const written = await create(mine as never, key.current)
    if (!written.done) setStep('stored')
    await applied(written, 0, readTriggersById, saving.isHere)
    done(written.value.id, words.save.created(draft.name.trim()))
  }

  function done(id: string, said: string): void {
    if (!saving.isHere()) return
    isKept.current = false
    forget()
    tell(said)
    go(`/triggers/${id}`)
  }

  /** Theirs becomes what is edited, and what was chosen is what differs from it. */
  function rebase(theirs: Opened, fields: Fields): void {
    setOpened(theirs)
    setDraft(draftOf(fields))
    setStep(isChanged(changesOf(theirs.fields, fields)) ? 'review' : 'editing')
  }

  const count = Object.keys(changes?.patch ?? {}).length
  const { Review, Conflict, LeaveDialog } = dialogs.there ?? {}
  return (
    <form
      className="edit"
      onSubmit={(event) => void saving.submit(event, localErrors(draft), save)}
      noValidate
    >
      <Summary
        words={words.save}
        list="/triggers"
        ref={saving.summary}
        errors={errors}
        failed={saving.failed}
        isCreate={opened === null}
        name={draft.name}
      />
      {step === 'stored' ? (
        <p className="stale" role="status">
          {words.save.stored}
        </p>
      ) : null}
      <div className="edit-main">
        <What form={form} onKind={setKind} />
        {draft.kind === 'api' ? null : <When form={form} />}
        {/* Anew after a conflict: a JSON editor that is open would go on with what it began with. */}
        <Payload key={opened?.version ?? 0} form={form} />
        <Targets form={form} />
        <Snippets draft={draft} opened={opened} />
      </div>
      <div className="edit-aside">
        <Preview asked={asked} isApi={draft.kind === 'api'} />
        <TestPanel
          draft={draft}
          onErrors={(found) => saving.refuse({ kind: 'fields', errors: found })}
          onFired={() => saving.mend()}
        />
      </div>
      <div className="edit-bar">
        <span className="quiet" role="status">
          {opened ? (count > 0 ? words.save.changed(count) : words.save.nothing) : ''}
        </span>
        <Button kind="quiet" onClick={() => go(opened ? `/triggers/${opened.id}` : '/triggers')}>
          {words.save.cancel}
        </Button>
        <Button
          kind="primary"
          type="submit"
          isBusy={step === 'saving' || step === 'stored'}
          disabled={opened !== null && count === 0}
        >
          {opened ? words.save.review : words.save.create}
        </Button>
      </div>
      {Review && opened && changes && step === 'review' ? (
        <Review
          opened={opened}
          changes={changes}
          mine={mine}
          isWanted={saving.isHere}
          onClose={() => setStep('editing')}
          onRefused={saving.fail}
          onStored={() => setStep('stored')}
          onSaved={() => done(opened.id, words.save.saved(draft.name.trim()))}
        />
      ) : null}
      {Conflict && opened && step === 'conflict' ? (
        <Conflict
          opened={opened}
          mine={mine}
          onClose={() => setStep('editing')}
          onResolved={rebase}
          onGone={saving.fail}
        />
      ) : null}
      {LeaveDialog ? <LeaveDialog {...leaving} /> : null}
    </form>
  )
}
