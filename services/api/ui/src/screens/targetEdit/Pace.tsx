import { Input } from '../../parts/Field'
import { Picker } from '../../parts/Picker'
import { Segments } from '../../parts/Segments'
import { Fold, useFold } from '../edit/Fold'
import { FormField, FormGroup } from '../edit/form'
import { CountField, LengthField } from '../edit/Inputs'
import { fieldNames } from '../targets/text'
import { Alert } from './Alert'
import { Delays } from './Delays'
import { PERS } from './draft'
import type { TargetForm } from './form'
import { PLACES } from './pointers'
import { alertSaid, limitsSaid, retriesSaid, trustSaid } from './said'
import { words } from './text'

const ORDERED = [
  { value: 'no', label: words.ordered.names.no },
  { value: 'yes', label: words.ordered.names.yes },
] as const
const PER_CHOICES = PERS.map((value) => ({ value, label: words.rate.per[value] }))

/** How it is delivered: what most leave as it is, closed, and saying what holds. */
export function Pace({ form, isNew }: { form: TargetForm; isNew: boolean }) {
  const isWebhook = form.draft.type === 'webhook'
  return (
    <section className="edit-card" aria-labelledby="target-pace">
      <h2 id="target-pace">{words.section.pace}</h2>
      <Limits form={form} />
      <Retries form={form} />
      {isWebhook ? <Trust form={form} isNew={isNew} /> : null}
      <Alerts form={form} />
    </section>
  )
}

function Limits({ form }: { form: TargetForm }) {
  const { draft, set } = form
  const [isOpen, setOpen] = useFold(form, 'limits')
  return (
    <Fold title={words.fold.limits} summary={limitsSaid(draft)} isOpen={isOpen} onToggle={setOpen}>
      <div className="edit-pair">
        <LengthField
          form={form}
          pointer="/timeout"
          label={fieldNames.timeout}
          value={draft.timeout}
          hint={words.hint.timeout}
          onChange={(timeout) => set({ timeout }, '/timeout')}
        />
        <CountField
          form={form}
          pointer="/concurrency"
          label={fieldNames.concurrency}
          value={draft.concurrency}
          hint={words.hint.concurrency}
          onChange={(concurrency) => set({ concurrency }, '/concurrency')}
        />
      </div>
      <FormGroup form={form} pointer="/rate" label={fieldNames.rate} hint={words.hint.rate}>
        <div className="edit-span">
          <input
            className="input mono"
            aria-label={words.rate.count}
            aria-invalid={form.errors.some(({ field }) => field === '/rate') || undefined}
            inputMode="numeric"
            autoComplete="off"
            value={draft.rateCount}
            onChange={(event) => set({ rateCount: event.target.value }, '/rate')}
          />
          <Picker
            label={words.rate.perLabel}
            isLabelShown={false}
            choices={PER_CHOICES}
            value={draft.ratePer}
            onChange={(ratePer) => set({ ratePer }, '/rate')}
          />
        </div>
      </FormGroup>
      <FormGroup
        form={form}
        pointer="/ordered"
        label={fieldNames.ordered}
        hint={words.ordered.about[draft.ordered ? 'yes' : 'no']}
      >
        <div>
          <Segments
            label={fieldNames.ordered}
            choices={ORDERED}
            value={draft.ordered ? 'yes' : 'no'}
            onChange={(ordered) => set({ ordered: ordered === 'yes' }, '/ordered')}
          />
        </div>
      </FormGroup>
    </Fold>
  )
}

function Retries({ form }: { form: TargetForm }) {
  const { draft, set } = form
  const [isOpen, setOpen] = useFold(form, 'retries')
  return (
    <Fold
      title={words.fold.retries}
      summary={retriesSaid(draft)}
      isOpen={isOpen}
      onToggle={setOpen}
    >
      <Delays form={form} />
      {draft.type === 'webhook' ? (
        <FormField
          form={form}
          pointer="/final_statuses"
          label={fieldNames.final_statuses}
          hint={words.hint.finalStatuses}
        >
          <Input
            className="input mono"
            inputMode="numeric"
            autoComplete="off"
            value={draft.finalStatuses}
            onChange={(event) => set({ finalStatuses: event.target.value }, '/final_statuses')}
          />
        </FormField>
      ) : null}
    </Fold>
  )
}

function Trust({ form, isNew }: { form: TargetForm; isNew: boolean }) {
  const { draft, set } = form
  const [isOpen, setOpen] = useFold(form, 'trust')
  return (
    <Fold
      title={words.fold.trust}
      summary={trustSaid(draft, isNew)}
      isOpen={isOpen}
      onToggle={setOpen}
    >
      {isNew ? (
        <FormField
          form={form}
          pointer="/secret"
          label={PLACES['/secret']?.label ?? ''}
          hint={words.hint.secret}
        >
          <Input
            className="input mono"
            type="password"
            autoComplete="new-password"
            spellCheck={false}
            placeholder="whsec_"
            value={draft.secret}
            onChange={(event) => set({ secret: event.target.value }, '/secret')}
          />
        </FormField>
      ) : null}
      <FormField form={form} pointer="/ca" label={fieldNames.ca} hint={words.hint.ca}>
        <Input
          render={<textarea rows={4} />}
          className="input mono"
          spellCheck={false}
          placeholder="-----BEGIN CERTIFICATE-----"
          value={draft.ca}
          onChange={(event) =>
            set({ ca: (event.target as unknown as HTMLTextAreaElement).value }, '/ca')
          }
        />
      </FormField>
    </Fold>
  )
}

function Alerts({ form }: { form: TargetForm }) {
  const { draft, set } = form
  const [isOpen, setOpen] = useFold(form, 'alert')
  return (
    <Fold title={words.fold.alert} summary={alertSaid(draft)} isOpen={isOpen} onToggle={setOpen}>
      <FormGroup
        form={form}
        pointer="/alert_target"
        label={fieldNames.alert_target}
        hint={words.hint.alert}
      >
        <Alert
          id={draft.alertTarget}
          onChange={(alertTarget) => set({ alertTarget }, '/alert_target')}
        />
      </FormGroup>
    </Fold>
  )
}
