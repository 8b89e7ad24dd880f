import { type FormEvent, type KeyboardEvent, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { newKey } from '../../api/client'
import { asApiError } from '../../api/problem'
import { useTrigger } from '../../api/trigger'
import type { Trigger } from '../../api/triggers'
import { readLogged } from '../../api/waited'
import { fire } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Field, Input } from '../../parts/Field'
import { jsonFault } from '../../parts/jsonFault'
import { outcome } from '../../parts/outcomeText'
import { Refusal } from '../../parts/Refusal'
import { Skeleton } from '../../parts/Skeleton'
import { tell } from '../../parts/Toast'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { measured } from '../../time/relative'
import { TestTargets, useTestDelivery } from '../targets/TestTargets'
import './Dialogs.css'
import { asking } from './dialogText'
import { firstPayload } from './payload'

interface Props {
  trigger: Pick<Trigger, 'id' | 'name'>
  isTest?: boolean
  onClose: () => void
}

const words = asking.fire

/** Fires a trigger once, now; what came of it is told by a toast that leads to the event. */
export function FireDialog({ trigger, isTest = false, onClose }: Props) {
  const read = useTrigger(trigger.id)
  const title = isTest ? words.testTitle(trigger.name) : words.title(trigger.name)
  if (read.data)
    return <FireForm key={trigger.id} {...{ title, isTest, onClose }} trigger={read.data} />
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      actions={<Button onClick={onClose}>{asking.close}</Button>}
    >
      {isInTrouble(read) ? <Trouble query={read} /> : <Skeleton rows={4} height={32} />}
    </Dialog>
  )
}

interface FormProps {
  trigger: Trigger
  title: string
  isTest: boolean
  onClose: () => void
}

function FireForm({ trigger, title, isTest, onClose }: FormProps) {
  const { id, name } = trigger
  const isApi = trigger.type === 'api'
  const [, go] = useLocation()
  const input = useRef<HTMLTextAreaElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const [text, setText] = useState(() =>
    isApi ? firstPayload(trigger.payload_schema, trigger.payload ?? null) : '',
  )
  const [fault, setFault] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  // One key for one intention: the same text again after no answer fires once, a mended one anew.
  const { delivery, choose, ids } = useTestDelivery(trigger.targets)
  const wish = `${ids.join()} ${text}`
  const sent = useRef({ key: newKey(), wish })

  async function submit(event?: FormEvent): Promise<void> {
    event?.preventDefault()
    if (isBusy) return
    const wrong = jsonFault(text)
    setError(null)
    setFault(wrong?.message ?? null)
    if (wrong) {
      input.current?.focus()
      if (wrong.at !== null) input.current?.setSelectionRange(wrong.at, wrong.at + 1)
      return
    }
    if (sent.current.wish !== wish) sent.current = { key: newKey(), wish }
    setBusy(true)
    try {
      const eventId = await fire(id, text.trim() ? { text } : {}, sent.current.key, isTest, ids)
      onClose()
      void tellOf(eventId, name, () => go(`/events/${eventId}`))
    } catch (failure) {
      const known = asApiError(failure)
      const own = known.errors.filter((one) => one.pointer.startsWith('/payload'))
      setFault(
        own.map((one) => `${one.pointer.slice(8) || '/'}: ${one.message}`).join('; ') || null,
      )
      setError(own.length > 0 ? null : failure)
      setBusy(false)
      input.current?.focus()
    }
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    void submit()
  }

  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      initialFocus={isApi ? input : button}
      actions={
        <>
          <Button onClick={onClose}>{asking.cancel}</Button>
          <Button ref={button} kind="primary" isBusy={isBusy} onClick={() => void submit()}>
            {isTest ? words.testButton : words.button}
          </Button>
        </>
      }
    >
      <p>
        {isApi ? words.api : words.scheduled} {isTest ? words.isTest : ''}
      </p>
      {trigger.payload === null || trigger.payload === undefined ? null : (
        <div className="field">
          <h3>{words.own}</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be scrolled by keys */}
          <pre className="payload-own" tabIndex={0}>
            {shownOf(trigger.payload)}
          </pre>
        </div>
      )}
      {isApi ? (
        <form onSubmit={submit}>
          <Field label={words.payload} name="/payload" hint={words.hint} error={fault}>
            <Input
              render={<textarea ref={input} />}
              className="input payload-input"
              spellCheck={false}
              value={text}
              onChange={(event) => setText(event.target.value)}
              onKeyDown={onKeyDown}
            />
          </Field>
        </form>
      ) : fault ? (
        <p className="field-error" role="alert">
          {fault}
        </p>
      ) : null}
      {isTest ? <TestTargets own={trigger.targets} delivery={delivery} onChange={choose} /> : null}
      {error ? <Refusal error={error} lead="It did not fire" /> : null}
    </Dialog>
  )
}

const SHOWN = 4_000

function shownOf(payload: unknown): string {
  const all = JSON.stringify(payload, null, 2)
  return all.length > SHOWN ? `${all.slice(0, SHOWN)} …` : all
}

/** A fire is answered before its event is in the log: it is waited for, a moment. */
async function tellOf(eventId: string, name: string, go: () => void): Promise<void> {
  const way = { label: outcome.show, go }
  try {
    const event = await readLogged(eventId)
    const late = event.lateness === null ? undefined : `${measured(event.lateness)} late`
    tell(outcome.said(event, name), event.reason ?? late, way)
  } catch {
    tell(words.accepted(name), outcome.notYet, way)
  }
}
