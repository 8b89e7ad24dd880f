import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { asApiError } from '../../api/problem'
import { testUnsaved } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Field, Input } from '../../parts/Field'
import { Icon } from '../../parts/Icon'
import { jsonFault } from '../../parts/jsonFault'
import { Outcome } from '../../parts/Outcome'
import { Failed } from '../../parts/States'
import { serverNow } from '../../time/clock'
import { TestTargets, useTestDelivery } from '../targets/TestTargets'
import { type Draft, fieldsOf, testOf } from './draft'
import { isObject, laidOver, parse } from './json'
import { type Fault, type Placed, placed, readable } from './pointers'
import { localErrors } from './save'
import { words } from './text'

interface Props {
  draft: Draft
  /** Refusals stand at the fields of the form, as those of a save do. */
  onErrors: (errors: Placed[]) => void
  /** It fired: what an earlier test was refused for is no longer true. */
  onFired: () => void
}

const SOON_MS = 2_000

/** Fires the draft once on the real path; what became of it stands here. */
export function TestPanel({ draft, onErrors, onFired }: Props) {
  const [given, setGiven] = useState('')
  const [givenError, setGivenError] = useState<string | null>(null)
  const { delivery, choose, ids } = useTestDelivery(draft.targets)
  const test = useMutation({
    mutationFn: (fields: unknown) =>
      testUnsaved(draft.kind === 'api' ? 'api' : 'scheduled', fields),
    onSuccess: onFired,
    onError: (error) => {
      const { status, errors } = asApiError(error)
      if (status !== 422 || errors.length === 0) return
      const ofRequest = errors.filter(isOfRequest)
      if (ofRequest.length > 0) setGivenError(ofRequest.map(saidOf).join(' · '))
      const others = errors.filter((each) => !isOfRequest(each))
      if (others.length > 0) onErrors(others.map((each) => placed(each, draft.kind)))
    },
  })

  /** What the request brings, or should have brought; not what only the draft's payload has. */
  function isOfRequest({ pointer }: Fault): boolean {
    if (draft.kind !== 'api' || !/^\/payload(\/|$)/.test(pointer)) return false
    const key = readable(pointer).split(' › ')[1]
    const own = fieldsOf(draft).payload
    const sent = given.trim() && !jsonFault(given) ? parse(given) : {}
    const has = (value: unknown) =>
      key !== undefined && isObject(value) && Object.hasOwn(value, key)
    return !has(own) || has(sent)
  }

  function run(isSoon: boolean): void {
    const wrong = localErrors(draft).filter(({ pointer }) => {
      // A test needs no name, and one in two seconds no time.
      return pointer !== '/name' && !(isSoon && pointer === '/schedule_time')
    })
    if (wrong.length > 0) onErrors(wrong)
    else test.mutate(isSoon ? soon() : testOf(draft, ids, merged()))
  }

  /** A one-time test fires at its own time, which may be years away. */
  function soon(): unknown {
    const { starts_at, ends_at, exclude, jitter, ...fields } = testOf(draft, ids)
    return { ...fields, schedule_time: new Date(serverNow() + SOON_MS).toISOString() }
  }

  function merged(): unknown {
    if (draft.kind !== 'api' || !given.trim()) return undefined
    return laidOver(fieldsOf(draft).payload, parse(given))
  }

  function start(isSoon: boolean): void {
    const fault = draft.kind === 'api' ? jsonFault(given) : null
    setGivenError(fault?.message ?? null)
    if (!fault) run(isSoon)
  }

  const refused = test.isError ? asApiError(test.error) : null
  return (
    <section className="edit-card edit-test" aria-labelledby="edit-test">
      <h2 id="edit-test">{words.test.title}</h2>
      <p className="quiet">{words.test.hint}</p>
      {draft.kind === 'api' ? (
        <Field label={words.test.given} error={givenError}>
          <Input
            render={<textarea rows={3} />}
            className="input mono edit-given"
            spellCheck={false}
            value={given}
            onChange={(event) => {
              setGiven((event.target as unknown as HTMLTextAreaElement).value)
              setGivenError(null)
            }}
          />
        </Field>
      ) : null}
      <TestTargets own={draft.targets} delivery={delivery} onChange={choose} />
      <div className="edit-length">
        <Button isBusy={test.isPending} onClick={() => start(draft.kind === 'once')}>
          <Icon name="play" />
          {draft.kind === 'once' ? words.test.soon : words.test.now}
        </Button>
        {draft.kind === 'once' ? (
          <Button kind="quiet" isBusy={test.isPending} onClick={() => start(false)}>
            {words.test.own}
          </Button>
        ) : null}
      </div>
      {refused && refused.status === 422 ? (
        <Refused
          errors={refused.errors.filter((each) => !isOfRequest(each))}
          detail={refused.errors.length === 0 ? refused.detail : null}
        />
      ) : refused ? (
        <Failed error={refused} onRetry={() => start(draft.kind === 'once')} />
      ) : null}
      {test.data ? (
        <div className="edit-result">
          <Outcome
            key={test.data.event_id}
            id={test.data.event_id}
            zone={draft.timezone}
            way={`/events/${test.data.event_id}`}
            firesAt={test.data.fires_at}
            follows={test.data.next_fires[0]}
          />
        </div>
      ) : null}
    </section>
  )
}

const saidOf = ({ pointer, message }: Fault): string =>
  [readable(pointer.slice('/payload'.length)), message].filter(Boolean).join(': ')

function Refused({
  errors,
  detail,
}: {
  errors: readonly { pointer: string; message: string }[]
  detail: string | null
}) {
  if (errors.length === 0 && detail === null) return null
  return (
    <div className="edit-refused" role="status">
      {detail ? <p>{detail}</p> : null}
      <ul>
        {errors.map(({ pointer, message }) => (
          <li key={pointer + message}>
            <strong>{readable(pointer) || '/'}</strong> {message}
          </li>
        ))}
      </ul>
    </div>
  )
}
