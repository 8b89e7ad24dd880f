import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { newKey } from '../../api/client'
import { asApiError } from '../../api/problem'
import { create } from '../../api/writes'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { tell } from '../../parts/Toast'
import { type Opened, useAhead } from './ahead'
import {
  changesOf,
  type Draft,
  draftOf,
  type Fields,
  fieldsOf,
  isChanged,
  type Kind,
} from './draft'
import { type Form, focusField } from './form'
import { same } from './json'
import { type Typed, useKept } from './kept'
import { Payload } from './Payload'
import { Preview } from './Preview'
import { type Placed, placed } from './pointers'
import { Snippets } from './Snippets'
import { Summary } from './Summary'
import { applied, forget, localErrors, type Refusal, refusalOf } from './save'
import { Targets } from './Targets'
import { TestPanel } from './TestPanel'
import { words } from './text'
import { useDialogs } from './useDialogs'
import { useLeave } from './useLeave'
import { What } from './What'
import { When } from './When'

interface Props {
  initial: Draft
  opened: Opened | null
  isCopy?: boolean
}

type Step = 'editing' | 'saving' | 'review' | 'conflict' | 'stored'

export function Editor({ initial, opened: first, isCopy = false }: Props) {
  const [, go] = useLocation()
  const { search, change } = useAddress()
  const typed = useRef<Typed | null>(null)
  const kept = useKept(typed)
  const [draft, setDraft] = useState(kept?.draft ?? initial)
  const [opened, setOpened] = useState(kept?.opened ?? first)
  const [errors, setErrors] = useState<readonly Placed[]>([])
  const [failed, setFailed] = useState<Extract<Refusal, { kind: 'failed' }> | null>(null)
  const [step, setStep] = useState<Step>('editing')
  const summary = useRef<HTMLDivElement>(null)
  const isToldAbove = useRef(false)
  const isHere = useRef(true)
  const key = useRef(kept?.key ?? newKey())
  const isUnsure = useRef(kept !== null)

  const mine = useMemo(() => fieldsOf(draft), [draft])
  const changes = useMemo(() => (opened ? changesOf(opened.fields, mine) : null), [opened, mine])
  const isDirty = changes ? isChanged(changes) : isCopy || !same(mine, fieldsOf(initial))
  const isKept = useRef(false)
  const dialogs = useDialogs(isDirty)
  isKept.current = isDirty && step !== 'stored' && dialogs.there !== null
  const leaving = useLeave(isKept)
  typed.current = isDirty && step !== 'stored' ? { draft, opened, key: key.current } : null

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
      setErrors((before) => before.filter((error) => error.field !== pointer))
    },
  }

  function setKind(kind: Kind): void {
    form.set({ kind }, '/type')
    setErrors([])
    // A reload, or a colleague with this address, begins with the same kind.
    if (!opened && search.get('copy') === null) change({ kind }, true)
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
    try {
      // Until they are there what was said stays, with the way to ask for them again.
      if (opened) await dialogs.load()
      setErrors([])
      setFailed(null)
      if (opened) return setStep('review')
      setStep('saving')
      const written = await create(mine as never, key.current)
      if (!written.done) setStep('stored')
      await applied(written, 0, () => isHere.current)
      done(written.value.id, words.save.created(draft.name.trim()))
    } catch (error) {
      settle(error)
      refuse(refusalOf(error, draft))
    }
  }

  function done(id: string, said: string): void {
    if (!isHere.current) return
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
    <form className="edit" onSubmit={(event) => void save(event)} noValidate>
      <Summary
        words={words.save}
        list="/triggers"
        ref={summary}
        errors={errors}
        failed={failed?.error ?? null}
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
          onErrors={(found) => refuse({ kind: 'fields', errors: found })}
          onFired={() => setErrors([])}
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
          isWanted={() => isHere.current}
          onClose={() => setStep('editing')}
          onRefused={(error) => refuse(refusalOf(error, draft))}
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
          onGone={(error) => refuse(refusalOf(error, draft))}
        />
      ) : null}
      {LeaveDialog ? <LeaveDialog {...leaving} /> : null}
    </form>
  )
}
