import { useMutation } from '@tanstack/react-query'
import { type KeyboardEvent, useRef, useState } from 'react'
import { newKey } from '../../api/client'
import type { Trigger } from '../../api/triggers'
import { fire } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Field, Input } from '../../parts/Field'
import { Icon } from '../../parts/Icon'
import { JsonText } from '../../parts/JsonText'
import { jsonFault } from '../../parts/jsonFault'
import { Outcome } from '../../parts/Outcome'
import { TestTargets, useTestDelivery } from '../targets/TestTargets'
import { Card } from './Card'
import { eventWay } from './Recent'
import { RecentPayloads } from './RecentPayloads'
import { Refused } from './Refused'
import { words } from './text'

/** Fires a test with a payload, and shows what became of it in place. */
export function TestTab({ trigger }: { trigger: Trigger }) {
  const { id } = trigger
  const input = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const [isAsking, setAsking] = useState(false)
  // One key for one intention: sent again after no answer, it still fires once. A test and a real
  // fire are two, whatever they carry.
  const { delivery, choose, ids } = useTestDelivery(trigger.targets)
  // What is sent, in full: another one of it is another intention.
  const wish = `${ids.join()} ${text}`
  const keys = useRef<Partial<Record<'test' | 'real', { key: string; wish: string } | null>>>({})
  const run = useMutation({
    mutationFn: ({ isTest }: { isTest: boolean }) => {
      const kind = isTest ? 'test' : 'real'
      const last = keys.current[kind]
      const { key } = last?.wish === wish ? last : { key: newKey() }
      keys.current[kind] = { key, wish }
      return fire(id, text.trim() ? { text } : {}, key, isTest, ids)
    },
    onSuccess: (_, { isTest }) => {
      keys.current[isTest ? 'test' : 'real'] = null
    },
  })

  function isWrong(): boolean {
    const wrong = jsonFault(text)
    setFault(wrong?.message ?? null)
    return wrong !== null
  }

  function start(isTest: boolean): void {
    if (isWrong()) input.current?.focus()
    else run.mutate({ isTest })
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    if (!run.isPending) start(true)
  }

  return (
    <div className="test">
      <Card
        title={words.test.title}
        aside={
          <RecentPayloads
            id={id}
            onPick={(payload) => {
              setText(JSON.stringify(payload, null, 2))
              setFault(null)
              input.current?.focus()
            }}
          />
        }
      >
        <div className="card-body">
          <Field
            label={words.test.payload}
            name="/payload"
            error={fault}
            hint={
              trigger.payload_schema ? `${words.test.hint} ${words.test.schema}` : words.test.hint
            }
          >
            <Input
              render={<textarea ref={input} rows={8} />}
              className="input mono"
              spellCheck={false}
              value={text}
              onChange={(event) => setText(event.target.value)}
              onKeyDown={onKeyDown}
            />
          </Field>
          {trigger.payload === null || trigger.payload === undefined ? null : (
            <details>
              <summary>{words.test.own}</summary>
              <JsonText name={words.test.own} text={JSON.stringify(trigger.payload, null, 2)} />
            </details>
          )}
          <TestTargets own={trigger.targets} delivery={delivery} onChange={choose} />
          <div className="trigger-ways">
            <Button kind="primary" isBusy={run.isPending} onClick={() => start(true)}>
              <Icon name="test" /> {words.test.run}
            </Button>
          </div>
        </div>
        <div className="test-real">
          <p className="quiet">{words.test.realTold}</p>
          <Button
            onClick={() => {
              if (!isWrong()) setAsking(true)
            }}
          >
            <Icon name="play" /> {words.test.real} …
          </Button>
        </div>
      </Card>
      <Card title={words.test.result}>
        <div className="card-body">
          {run.error ? (
            <Refused error={run.error} title={words.test.refused} />
          ) : run.data ? (
            <Outcome
              key={run.data}
              id={run.data}
              zone={trigger.timezone}
              way={eventWay({ id: run.data, trigger_id: id })}
            />
          ) : (
            <p className="quiet">{words.test.none}</p>
          )}
        </div>
      </Card>
      <Dialog
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title={words.test.realTitle(trigger.name)}
        actions={
          <>
            <Button onClick={() => setAsking(false)}>{words.restore.cancel}</Button>
            <Button
              kind="primary"
              onClick={() => {
                setAsking(false)
                start(false)
              }}
            >
              {words.test.real}
            </Button>
          </>
        }
      >
        <p>{words.test.realTold}</p>
        {text.trim() ? (
          <JsonText name={words.test.payload} text={text} />
        ) : (
          <p className="quiet">{words.test.ownAlone}</p>
        )}
      </Dialog>
    </div>
  )
}
