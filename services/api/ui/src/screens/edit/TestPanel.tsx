import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { asApiError } from '../../api/problem'
import { testUnsaved } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Field, Input } from '../../parts/Field'
import { Icon } from '../../parts/Icon'
import { Failed } from '../../parts/States'
import { serverNow } from '../../time/clock'
import { type Draft, fieldsOf, testOf } from './draft'
import { fault, laidOver, parse } from './json'
import { type Placed, placed } from './pointers'
import { localErrors } from './save'
import { TestResult } from './TestResult'
import { words } from './text'

interface Props {
  draft: Draft
  /** Refusals stand at the fields of the form, as those of a save do. */
  onErrors: (errors: Placed[]) => void
}

const SOON_MS = 2_000

/** Fires the draft once on the real path; what became of it stands here. */
export function TestPanel({ draft, onErrors }: Props) {
  const [given, setGiven] = useState('')
  const [givenError, setGivenError] = useState<string | null>(null)
  const test = useMutation({
    mutationFn: (fields: unknown) =>
      testUnsaved(draft.kind === 'api' ? 'api' : 'scheduled', fields),
    onError: (error) => {
      const { status, errors } = asApiError(error)
      if (status === 422 && errors.length > 0) {
        onErrors(errors.map((each) => placed(each, draft.kind)))
      }
    },
  })

  function run(isSoon: boolean): void {
    const wrong = localErrors(draft).filter(({ pointer }) => {
      // A test needs no name, and one in two seconds no time.
      return pointer !== '/name' && !(isSoon && pointer === '/schedule_time')
    })
    if (wrong.length > 0) onErrors(wrong)
    else test.mutate(isSoon ? soon() : testOf(draft, merged()))
  }

  /** A one-time test fires at its own time, which may be years away. */
  function soon(): unknown {
    const { starts_at, ends_at, exclude, jitter, ...fields } = testOf(draft)
    return { ...fields, schedule_time: new Date(serverNow() + SOON_MS).toISOString() }
  }

  function merged(): unknown {
    if (draft.kind !== 'api' || !given.trim()) return undefined
    return laidOver(fieldsOf(draft).payload, parse(given))
  }

  function start(isSoon: boolean): void {
    const why = draft.kind === 'api' && given.trim() ? fault(given) : null
    setGivenError(why === null ? null : words.payload.notJson(why))
    if (why === null) run(isSoon)
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
            placeholder='{"amount": 12.5}'
            value={given}
            onChange={(event) => setGiven((event.target as unknown as HTMLTextAreaElement).value)}
          />
        </Field>
      ) : null}
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
        <Refused errors={refused.errors} detail={refused.detail} />
      ) : refused ? (
        <Failed error={refused} onRetry={() => start(draft.kind === 'once')} />
      ) : null}
      {test.data ? (
        <TestResult key={test.data.event_id} test={test.data} zone={draft.timezone} />
      ) : null}
    </section>
  )
}

function Refused({
  errors,
  detail,
}: {
  errors: readonly { pointer: string; message: string }[]
  detail: string
}) {
  return (
    <div className="edit-refused" role="status">
      <p>{errors.length === 0 ? detail : null}</p>
      <ul>
        {errors.map(({ pointer, message }) => (
          <li key={pointer + message}>
            <code>{pointer || '/'}</code> {message}
          </li>
        ))}
      </ul>
    </div>
  )
}
