import { useEffect, useState } from 'react'
import { Button } from '../../parts/Button'
import { isLarge, JsonText } from '../../parts/JsonText'
import { jsonFault } from '../../parts/jsonFault'
import { lazily } from '../../parts/lazily'
import { type Form, FormGroup } from './form'
import { words } from './text'

// 99 kB: fetched once a JSON field is opened, and not before.
const JsonEditor = lazily(
  () => import('./JsonEditor'),
  <div className="input edit-editor" data-loading aria-busy="true" />,
)

interface Props {
  form: Form
  pointer: '/payload' | '/payload_schema'
  value: string
  onChange: (text: string) => void
  label: string
  hint: string
  add: string
  /** What one can begin with. */
  example?: string
}

/** A field of JSON: closed at first, as text to read; its editor comes when it is opened. */
export function JsonField({ form, pointer, value, onChange, label, hint, add, example }: Props) {
  const [isOpen, setOpen] = useState(false)
  const [isOwnOpening, setOwnOpening] = useState(false)
  const { errors } = form
  // An error inside has no field of its own: the JSON is opened for it.
  useEffect(() => {
    if (errors.some((error) => error.field === pointer)) setOpen(true)
  }, [errors, pointer])
  const isSaid = errors.some((error) => error.field === pointer)
  const fault = isOpen && !isSaid ? jsonFault(value) : null

  return (
    <FormGroup
      form={form}
      pointer={pointer}
      label={label}
      isLabelUnseen={pointer === '/payload'}
      hint={isOpen && !isLarge(value) ? `${hint} ${words.payload.leave}` : hint}
    >
      {isLarge(value) ? (
        <JsonText name={label.toLowerCase()} text={value}>
          <label className="button">
            {words.payload.file}
            <input
              className="unseen"
              type="file"
              accept="application/json,.json"
              onChange={(event) => void event.target.files?.[0]?.text().then(onChange)}
            />
          </label>
          <Button kind="quiet" onClick={() => onChange('')}>
            {words.payload.remove}
          </Button>
        </JsonText>
      ) : isOpen ? (
        <>
          <JsonEditor label={label} initial={value} onChange={onChange} isFocused={isOwnOpening} />
          <p className="edit-unfinished edit-fault" aria-live="polite">
            {fault?.message}
          </p>
        </>
      ) : (
        <>
          {value ? <JsonText name={label} text={value} /> : null}
          <div className="edit-length">
            <Button
              onClick={() => {
                setOwnOpening(true)
                setOpen(true)
              }}
            >
              {value ? words.payload.edit : add}
            </Button>
            {value ? (
              <Button kind="quiet" onClick={() => onChange('')}>
                {words.payload.remove}
              </Button>
            ) : example ? (
              <Button
                kind="quiet"
                onClick={() => {
                  onChange(example)
                  setOwnOpening(true)
                  setOpen(true)
                }}
              >
                {words.payload.example}
              </Button>
            ) : null}
          </div>
        </>
      )}
    </FormGroup>
  )
}
