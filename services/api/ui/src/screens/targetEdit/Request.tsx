import { useRef } from 'react'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { Segments } from '../../parts/Segments'
import { errorAt, FormGroup } from '../edit/form'
import { fieldNames } from '../targets/text'
import { type HeaderRow, isKept } from './draft'
import type { TargetForm } from './form'
import { headerField } from './pointers'
import { words } from './text'
import { nextId, useAdded } from './useAdded'

const BODIES = (['event', 'payload'] as const).map((value) => ({
  value,
  label: words.body.names[value],
}))

/** What a receiver gets of an event, and with which headers. */
export function Request({ form }: { form: TargetForm }) {
  const { draft, set } = form
  return (
    <section className="edit-card" aria-labelledby="target-request">
      <h2 id="target-request">{words.section.request}</h2>
      <FormGroup
        form={form}
        pointer="/body"
        label={fieldNames.body}
        hint={words.body.about[draft.body]}
      >
        <div>
          <Segments
            label={fieldNames.body}
            choices={BODIES}
            value={draft.body}
            onChange={(body) => set({ body }, '/body')}
          />
        </div>
      </FormGroup>
      {draft.type === 'webhook' ? <Headers form={form} /> : null}
    </section>
  )
}

function Headers({ form }: { form: TargetForm }) {
  const { draft, set } = form
  const list = useRef<HTMLUListElement>(null)
  const adder = useRef<HTMLButtonElement>(null)
  const onAdded = useAdded(list)

  function change(row: HeaderRow, changes: Partial<HeaderRow>): void {
    const headers = draft.headers.map((each) =>
      each.id === row.id ? { ...each, ...changes } : each,
    )
    set({ headers }, headerField(row))
  }

  return (
    <FormGroup form={form} pointer="/headers" label={fieldNames.headers} hint={words.hint.headers}>
      <ul className="target-rows" ref={list}>
        {draft.headers.map((row, index) => (
          <Header
            key={row.id}
            row={row}
            place={index + 1}
            error={errorAt(form.errors, headerField(row))}
            onChange={(changes) => change(row, changes)}
            onRemove={() =>
              set({ headers: draft.headers.filter((each) => each.id !== row.id) }, headerField(row))
            }
            heir={() => adder.current}
          />
        ))}
      </ul>
      <div>
        <Button
          ref={adder}
          onClick={() => {
            const row = {
              id: nextId(draft.headers),
              name: '',
              value: '',
              isSecret: false,
              kept: null,
            }
            set({ headers: [...draft.headers, row] }, headerField(row))
            onAdded()
          }}
        >
          {words.header.add}
        </Button>
      </div>
    </FormGroup>
  )
}

interface HeaderProps {
  row: HeaderRow
  place: number
  error: string | null
  onChange: (changes: Partial<HeaderRow>) => void
  onRemove: () => void
  heir: () => Element | null
}

function Header({ row, place, error, onChange, onRemove, heir }: HeaderProps) {
  const field = headerField(row)
  const described = error ? `target-header-${row.id}-error` : undefined
  return (
    <li className="target-row" data-pointer={field} data-invalid={error ? '' : undefined}>
      <div className="target-header">
        <input
          className="input mono"
          aria-label={words.header.of(place, words.header.name)}
          aria-invalid={error ? true : undefined}
          aria-describedby={described}
          placeholder={words.header.name}
          autoComplete="off"
          spellCheck={false}
          value={row.name}
          onChange={(event) => onChange({ name: event.target.value })}
        />
        <input
          className="input mono"
          aria-label={words.header.of(place, words.header.value)}
          aria-describedby={described}
          placeholder={isKept(row) ? words.hint.secretKept : words.header.value}
          type={row.isSecret ? 'password' : 'text'}
          // Of nobody's account: no browser is to offer a password, or to keep this one.
          autoComplete={row.isSecret ? 'new-password' : 'off'}
          spellCheck={false}
          value={row.value}
          onChange={(event) => onChange({ value: event.target.value })}
        />
        <label className="check">
          <input
            type="checkbox"
            aria-label={words.header.of(place, words.header.secret)}
            checked={row.isSecret}
            onChange={(event) => onChange({ isSecret: event.target.checked })}
          />
          <span aria-hidden="true">{words.header.secret}</span>
        </label>
        <Button
          kind="quiet"
          isSign
          aria-label={words.header.remove(row.name.trim() || words.header.unnamed)}
          heir={heir}
          onClick={onRemove}
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
}
