import { useState } from 'react'
import { Input } from '../../parts/Field'
import { isLarge } from '../../parts/JsonText'
import { Picker } from '../../parts/Picker'
import { Segments } from '../../parts/Segments'
import { type FlatField, flatFields, flatValue, typedOf, withField } from './flat'
import { type Form, FormField, FormGroup } from './form'
import { JsonField } from './JsonField'
import { pretty } from './json'
import type { Placed } from './pointers'
import { words } from './text'

const WAYS = [
  { value: 'form', label: words.payload.form },
  { value: 'json', label: words.payload.json },
] as const

/** To begin with, for who has never written a schema. */
const EXAMPLE = pretty({
  type: 'object',
  required: ['amount'],
  properties: { amount: { type: 'number', minimum: 0 }, note: { type: 'string' } },
})

/** What an event carries; of an API trigger also what it is held to. */
export function Payload({ form }: { form: Form }) {
  const { draft, set } = form
  const isApi = draft.kind === 'api'
  const [way, setWay] = useState<'form' | 'json'>('form')
  const fields = isApi && !isLarge(draft.schema) ? flatFields(draft.schema) : null
  const value = fields && !isLarge(draft.payload) ? flatValue(draft.payload, fields) : null
  const isForm = fields !== null && value !== null && way === 'form'
  return (
    <section className="edit-card edit-payload" aria-labelledby="edit-payload">
      <div className="edit-card-head">
        <h2 id="edit-payload">{words.section.payload}</h2>
        {fields && value ? (
          <Segments label={words.payload.as} choices={WAYS} value={way} onChange={setWay} />
        ) : null}
      </div>
      {isForm ? (
        <FlatForm form={form} fields={fields} value={value} />
      ) : (
        <JsonField
          form={form}
          pointer="/payload"
          label={words.section.payload}
          hint={isApi ? words.payload.hintApi : words.payload.hint}
          add={words.payload.add}
          value={draft.payload}
          onChange={(payload) => set({ payload }, '/payload')}
        />
      )}
      {isApi ? (
        <JsonField
          form={form}
          pointer="/payload_schema"
          label={words.section.schema}
          hint={words.payload.schemaHint}
          add={words.payload.addSchema}
          example={EXAMPLE}
          value={draft.schema}
          onChange={(schema) => set({ schema }, '/payload_schema')}
        />
      ) : null}
    </section>
  )
}

interface FlatProps {
  form: Form
  fields: readonly FlatField[]
  value: Record<string, unknown>
}

function FlatForm({ form, fields, value }: FlatProps) {
  const { draft, set } = form
  const own = new Set(fields.map(({ name }) => pointerOf(name)))
  // A refusal that names one of these fields stands at it, not at the payload that they are in.
  const atOwn = (error: Placed) =>
    own.has(error.pointer) ? { ...error, field: error.pointer } : error
  const inner: Form = { ...form, errors: form.errors.map(atOwn), quiet: form.quiet.map(atOwn) }
  return (
    <FormGroup
      form={inner}
      pointer="/payload"
      label={words.payload.fields}
      hint={words.payload.hintApi}
    >
      <div className="edit-flat">
        {fields.map((field) => {
          const pointer = pointerOf(field.name)
          const change = (typed: string) =>
            set({ payload: withField(draft.payload, field, typed) }, '/payload')
          const typed = typedOf(value[field.name])
          const label = field.isRequired ? words.payload.needed(field.name) : field.name
          const choices = field.type === 'boolean' ? ['true', 'false'] : field.choices
          return choices ? (
            <FormGroup
              key={field.name}
              form={inner}
              pointer={pointer}
              label={label}
              hint={field.hint}
            >
              <div>
                <Picker
                  label={field.name}
                  isLabelShown={false}
                  choices={[{ value: '', label: words.payload.unset }, ...choices.map(asChoice)]}
                  value={typed}
                  onChange={change}
                />
              </div>
            </FormGroup>
          ) : (
            <FormField
              key={field.name}
              form={inner}
              pointer={pointer}
              label={label}
              hint={field.hint ?? field.type}
            >
              <Input
                className={field.type === 'string' ? 'input' : 'input mono'}
                inputMode={field.type === 'string' ? 'text' : 'decimal'}
                autoComplete="off"
                value={typed}
                onChange={(event) => change(event.target.value)}
              />
            </FormField>
          )
        })}
      </div>
    </FormGroup>
  )
}

const pointerOf = (name: string): string =>
  `/payload/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

const asChoice = (value: string) => ({ value, label: value })
