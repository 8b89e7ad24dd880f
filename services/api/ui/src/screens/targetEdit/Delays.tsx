import { useRef } from 'react'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { Picker } from '../../parts/Picker'
import { errorAt, FormGroup } from '../edit/form'
import { UNITS } from '../edit/length'
import { fieldNames } from '../targets/text'
import type { DelayRow } from './draft'
import type { TargetForm } from './form'
import { delayField } from './pointers'
import { words } from './text'
import { nextId, useAdded } from './useAdded'

const UNIT_CHOICES = UNITS.map((value) => ({ value, label: words.unit[value] }))

/** The pauses between attempts: the platform's own, or one by one. */
export function Delays({ form }: { form: TargetForm }) {
  const { draft, set } = form
  const list = useRef<HTMLOListElement>(null)
  const adder = useRef<HTMLButtonElement>(null)
  const onAdded = useAdded(list)
  const { retry } = draft
  const isOwn = retry.length === 0

  function change(row: DelayRow, length: Partial<DelayRow['length']>): void {
    const changed = { ...row, length: { ...row.length, ...length } }
    set({ retry: retry.map((each) => (each.id === row.id ? changed : each)) }, delayField(row))
  }

  return (
    <FormGroup
      form={form}
      pointer="/retry"
      label={fieldNames.retry}
      hint={isOwn ? words.hint.retryOwn : words.hint.retry}
    >
      <ol className="target-rows" ref={list}>
        {retry.map((row, index) => {
          const place = index + 1
          const error = errorAt(form.errors, delayField(row))
          const described = error ? `target-delay-${row.id}-error` : undefined
          return (
            <li
              className="target-row"
              key={row.id}
              data-pointer={delayField(row)}
              data-invalid={error ? '' : undefined}
            >
              <div className="edit-span">
                <input
                  className="input mono"
                  aria-label={words.retry.of(place)}
                  aria-invalid={error ? true : undefined}
                  aria-describedby={described}
                  inputMode={row.length.unit === 'iso' ? 'text' : 'decimal'}
                  autoComplete="off"
                  value={row.length.count}
                  onChange={(event) => {
                    const count = event.target.value
                    // Who types PT… means it, whatever unit stands beside.
                    change(row, /^\s*P/i.test(count) ? { count, unit: 'iso' } : { count })
                  }}
                />
                <Picker
                  label={words.retry.unit(place)}
                  isLabelShown={false}
                  choices={UNIT_CHOICES}
                  value={row.length.unit}
                  onChange={(unit) => change(row, { unit })}
                />
                <Button
                  kind="quiet"
                  isSign
                  aria-label={words.retry.remove(place)}
                  heir={() => adder.current}
                  onClick={() =>
                    set({ retry: retry.filter((each) => each.id !== row.id) }, delayField(row))
                  }
                >
                  <Icon name="close" size={12} />
                </Button>
              </div>
              {error ? (
                <p className="field-error" id={described}>
                  {error}
                </p>
              ) : null}
            </li>
          )
        })}
      </ol>
      <div>
        <Button
          ref={adder}
          onClick={() => {
            const row: DelayRow = {
              id: nextId(retry),
              length: { count: '', unit: retry.at(-1)?.length.unit ?? 's' },
            }
            set({ retry: [...retry, row] }, '/retry')
            onAdded()
          }}
        >
          {isOwn ? words.retry.own : words.retry.add}
        </Button>
      </div>
    </FormGroup>
  )
}
