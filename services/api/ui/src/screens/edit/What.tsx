import { useRef, useState } from 'react'
import { useLabels } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { Input } from '../../parts/Field'
import { Icon } from '../../parts/Icon'
import { Segments } from '../../parts/Segments'
import { KINDS, type Kind } from './draft'
import { type Form, FormField, FormGroup } from './form'
import { words } from './text'

const CHOICES = KINDS.map((value) => ({ value, label: words.kind.names[value] }))

/** What it is: its kind, and what people know it by. */
export function What({ form, onKind }: { form: Form; onKind: (kind: Kind) => void }) {
  const { draft, set } = form
  return (
    <section className="edit-card" aria-labelledby="edit-what">
      <h2 id="edit-what">{words.section.what}</h2>
      <FormGroup form={form} pointer="/type" hint={words.kind.about[draft.kind]}>
        <div className="edit-kinds">
          <Segments
            label={words.kind.label}
            choices={CHOICES}
            value={draft.kind}
            onChange={onKind}
          />
        </div>
      </FormGroup>
      <FormField form={form} pointer="/name">
        <Input
          className="input"
          value={draft.name}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => set({ name: event.target.value }, '/name')}
        />
      </FormField>
      <FormField form={form} pointer="/description" hint={words.hint.description}>
        <Input
          className="input"
          value={draft.description}
          autoComplete="off"
          onChange={(event) => set({ description: event.target.value }, '/description')}
        />
      </FormField>
      <Labels form={form} />
    </section>
  )
}

function Labels({ form }: { form: Form }) {
  const { labels } = form.draft
  const [typed, setTyped] = useState('')
  const known = useLabels()
  const field = useRef<HTMLInputElement>(null)

  function add(text: string): void {
    const found = text
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each && !labels.includes(each))
    setTyped('')
    if (found.length > 0) form.set({ labels: [...labels, ...new Set(found)] }, '/labels')
  }

  function remove(label: string): void {
    form.set({ labels: labels.filter((each) => each !== label) }, '/labels')
  }

  return (
    <FormGroup form={form} pointer="/labels" hint={words.hint.labels}>
      <div className="edit-labels">
        {labels.map((label) => (
          <span className="edit-label" key={label}>
            <span className="clip">{label}</span>
            <Button
              kind="quiet"
              isSign
              aria-label={`Remove the label ${label}`}
              heir={() => field.current}
              onClick={() => remove(label)}
            >
              <Icon name="close" size={12} />
            </Button>
          </span>
        ))}
        <input
          ref={field}
          className="input"
          aria-label="Add a label"
          list="edit-known-labels"
          autoComplete="off"
          value={typed}
          onChange={(event) => {
            const text = event.target.value
            const isPicked = known.data?.some(({ label }) => label === text)
            // A browser tells of a choice in its list as of typing: all of it at once.
            const isTyped = (event.nativeEvent as InputEvent).inputType === 'insertText'
            if (text.includes(',') || (isPicked && !isTyped)) add(text)
            else setTyped(text)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              event.preventDefault()
              add(typed)
            } else if (event.key === 'Backspace' && typed === '' && labels.length > 0) {
              // Held to clear the field, it does not go on with the labels.
              if (event.repeat) return
              remove(labels.at(-1) ?? '')
            }
          }}
          onBlur={() => add(typed)}
        />
        <datalist id="edit-known-labels">
          {known.data
            ?.filter(({ label }) => !labels.includes(label))
            .map(({ label, count }) => (
              <option key={label} value={label} label={`${count}`} />
            ))}
        </datalist>
      </div>
    </FormGroup>
  )
}
