import type { TargetType } from '../../api/targets'
import { Input } from '../../parts/Field'
import { Segments } from '../../parts/Segments'
import { FormField, FormGroup } from '../edit/form'
import { fieldNames, typeNames } from '../targets/text'
import { TYPES } from './draft'
import type { TargetForm } from './form'
import { words } from './text'

const TYPE_CHOICES = TYPES.map((value) => ({ value, label: words.type.names[value] }))
const DURABLE = [
  { value: 'no', label: words.durable.no },
  { value: 'yes', label: words.durable.yes },
] as const

interface Props {
  form: TargetForm
  /** Null where it is fixed. */
  onType: ((type: TargetType) => void) | null
}

/** Where to, and what people know it by. */
export function What({ form, onType }: Props) {
  const { draft, set } = form
  return (
    <section className="edit-card" aria-labelledby="target-what">
      <h2 id="target-what">{words.section.what}</h2>
      <FormGroup
        form={form}
        pointer="/type"
        label={fieldNames.type}
        hint={onType ? words.type.about[draft.type] : words.type.fixed}
      >
        <div className="edit-kinds">
          {onType ? (
            <Segments
              label={fieldNames.type}
              choices={TYPE_CHOICES}
              value={draft.type}
              onChange={onType}
            />
          ) : (
            typeNames[draft.type]
          )}
        </div>
      </FormGroup>
      {draft.type === 'webhook' ? (
        <FormField form={form} pointer="/url" label={fieldNames.url} hint={words.hint.url}>
          <Input
            className="input mono"
            type="url"
            inputMode="url"
            placeholder="https://"
            autoComplete="off"
            spellCheck={false}
            value={draft.url}
            onChange={(event) => set({ url: event.target.value }, '/url')}
          />
        </FormField>
      ) : (
        <>
          <FormField
            form={form}
            pointer="/subject"
            label={fieldNames.subject}
            hint={words.hint.subject}
          >
            <Input
              className="input mono"
              placeholder="out."
              autoComplete="off"
              spellCheck={false}
              value={draft.subject}
              onChange={(event) => set({ subject: event.target.value }, '/subject')}
            />
          </FormField>
          <FormGroup
            form={form}
            pointer="/durable"
            label={words.durable.label}
            hint={words.durable.about[draft.durable ? 'yes' : 'no']}
          >
            <div>
              <Segments
                label={words.durable.label}
                choices={DURABLE}
                value={draft.durable ? 'yes' : 'no'}
                onChange={(durable) => set({ durable: durable === 'yes' }, '/durable')}
              />
            </div>
          </FormGroup>
        </>
      )}
      <FormField form={form} pointer="/name" label={fieldNames.name} hint={words.hint.name}>
        <Input
          className="input"
          value={draft.name}
          maxLength={200}
          autoComplete="off"
          onChange={(event) => set({ name: event.target.value }, '/name')}
        />
      </FormField>
    </section>
  )
}
