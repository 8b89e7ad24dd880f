import { Button } from '../../parts/Button'
import { Input } from '../../parts/Field'
import { Picker } from '../../parts/Picker'
import { type Faults, FormField, FormGroup, focusField } from './form'
import { type Length, UNITS } from './length'
import { PLACES } from './pointers'
import { words } from './text'

const UNIT_CHOICES = UNITS.map((value) => ({ value, label: words.unit[value] }))

interface LengthProps {
  form: Faults
  pointer: string
  label?: string
  value: Length
  onChange: (value: Length) => void
  hint?: string
}

/** A length of time: a count and its unit. */
export function LengthField({ form, pointer, value, onChange, hint, ...named }: LengthProps) {
  const label = named.label ?? PLACES[pointer]?.label ?? ''
  const isWrong = form.errors.some((error) => error.field === pointer)
  return (
    <FormGroup form={form} pointer={pointer} label={label} hint={hint}>
      <div className="edit-span">
        <input
          className="input mono"
          aria-label={label}
          aria-invalid={isWrong || undefined}
          inputMode={value.unit === 'iso' ? 'text' : 'decimal'}
          placeholder={value.unit === 'iso' ? 'PT1H30M' : ''}
          autoComplete="off"
          value={value.count}
          onChange={(event) => {
            const count = event.target.value
            // Who types PT… means it, whatever unit stands beside.
            const unit = /^\s*P/i.test(count) ? 'iso' : value.unit
            onChange({ count, unit })
          }}
        />
        <Picker
          label={`${label}, unit`}
          isLabelShown={false}
          choices={UNIT_CHOICES}
          value={value.unit}
          onChange={(unit) => onChange({ ...value, unit })}
        />
      </div>
    </FormGroup>
  )
}

interface TextProps {
  form: Faults
  pointer: string
  value: string
  onChange: (value: string) => void
  hint?: string
}

/** How often something happens at the most. */
export function CountField({ value, onChange, ...field }: TextProps & { label?: string }) {
  return (
    <FormField {...field}>
      <Input
        className="input mono"
        inputMode="numeric"
        autoComplete="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </FormField>
  )
}

const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/

/** A time on the schedule's clock, sent as it is typed, without offset. One that was stored with an
 * offset is an instant: it stays what it is, since only the server knows what its zone's clock shows. */
export function MomentField({ form, pointer, value, onChange, hint }: TextProps) {
  const isLocal = value === '' || LOCAL.test(value)
  return (
    <FormField form={form} pointer={pointer} hint={isLocal ? hint : words.hint.offset}>
      {isLocal ? (
        <Input
          key="local"
          className="input mono edit-moment"
          type="datetime-local"
          step={1}
          max="9999-12-31T23:59:59"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <div className="edit-length">
          <Input
            key="instant"
            className="input mono"
            value={value}
            autoComplete="off"
            onChange={(event) => onChange(event.target.value)}
          />
          <Button
            onClick={() => {
              onChange('')
              focusField(pointer)
            }}
          >
            {words.hint.local}
          </Button>
        </div>
      )}
    </FormField>
  )
}
