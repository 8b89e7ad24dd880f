import { useState } from 'react'
import { useNext } from '../../api/trigger'
import type { Trigger } from '../../api/triggers'
import { Field, Input } from '../../parts/Field'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
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
  const isWhole = from !== '' && to !== ''
  const isRange = isWhole && to >= from
  const dates = from === to ? from : `${from}/${to}`
  const change = usePatch(
    trigger,
    isRange ? { exclude: [...trigger.exclude, dates] } : null,
    words.skipped(trigger.name),
    onDone,
  )
  if (!next.data) {
    return isInTrouble(next) ? <Trouble query={next} /> : <Skeleton rows={5} height={28} />
  }
  return (
    <>
      <p>{words.skipLead}</p>
      <div className="dates">
        <Field
          label={words.from}
          hint={trigger.timezone}
          error={chosen.from === '' ? words.noDate : null}
        >
          <Input
            type="date"
            className="input"
            value={from}
            onChange={(event) => {
              const first = event.target.value
              // Another first date leaves the last one as it is, unless that is before it now.
              const { to: last = first } = chosen
              setChosen(last > first || last === '' ? { from: first, to: last } : { from: first })
            }}
          />
        </Field>
        <Field
          label={words.to}
          error={to === '' && from !== '' ? words.noDate : isWhole && !isRange ? words.order : null}
        >
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
