import { useState } from 'react'
import { useNext } from '../../api/trigger'
import type { Trigger } from '../../api/triggers'
import { Field, Input } from '../../parts/Field'
import { Skeleton } from '../../parts/Skeleton'
import { Change } from './Change'
import { asking } from './dialogText'
import { usePatch } from './usePatch'

const words = asking.pause

/** Dates of the schedule's zone on which nothing fires: begun with the date of its next fire. */
export function SkipDates({ trigger, onDone }: { trigger: Trigger; onDone: () => void }) {
  const next = useNext(trigger.id, 1)
  const [chosen, setChosen] = useState<{ from?: string; to?: string }>({})
  const first = next.data?.occurrences[0]?.local.slice(0, 10)
  const from = chosen.from ?? first ?? ''
  const to = chosen.to ?? from
  const isRange = from !== '' && to !== '' && to >= from
  const dates = from === to ? from : `${from}/${to}`
  const change = usePatch(
    trigger,
    isRange ? { exclude: [...trigger.exclude, dates] } : null,
    words.skipped(trigger.name),
    onDone,
  )
  if (!next.data) return <Skeleton rows={5} height={28} />
  return (
    <>
      <p>{words.skipLead}</p>
      <div className="dates">
        <Field label={words.from} hint={trigger.timezone}>
          <Input
            type="date"
            className="input"
            value={from}
            onChange={(event) => setChosen({ from: event.target.value })}
          />
        </Field>
        <Field label={words.to} error={isRange ? null : words.order}>
          <Input
            type="date"
            className="input"
            min={from}
            value={to}
            onChange={(event) => setChosen({ from, to: event.target.value })}
          />
        </Field>
      </div>
      {isRange ? <Change change={change} button={words.skipButton} none={words.none} /> : null}
    </>
  )
}
