import { Input } from '../../parts/Field'
import { Picker } from '../../parts/Picker'
import type { Draft, DstPolicy, MisfirePolicy } from './draft'
import { Fold, useFold } from './Fold'
import { type Form, FormField, FormGroup } from './form'
import { CountField, LengthField, MomentField } from './Inputs'
import type { Length } from './length'
import { PLACES } from './pointers'
import { downtimeSaid, limitsSaid } from './said'
import { words } from './text'

export function Limits({ form }: { form: Form }) {
  const { draft, set } = form
  const [isOpen, setOpen] = useFold(form, 'limits')
  const moment = (key: 'startsAt' | 'endsAt', pointer: string, hint: string) => (
    <MomentField
      form={form}
      pointer={pointer}
      value={draft[key]}
      hint={hint}
      onChange={(value) => set({ [key]: value }, pointer)}
    />
  )
  return (
    <Fold title={words.fold.limits} summary={limitsSaid(draft)} isOpen={isOpen} onToggle={setOpen}>
      <div className="edit-pair">
        {moment('startsAt', '/starts_at', words.hint.startsAt)}
        {moment('endsAt', '/ends_at', words.hint.endsAt)}
      </div>
      <div className="edit-pair">
        <CountField
          form={form}
          pointer="/max_fires"
          value={draft.maxFires}
          hint={words.hint.maxFires}
          onChange={(maxFires) => set({ maxFires }, '/max_fires')}
        />
        <LengthField
          form={form}
          pointer="/jitter"
          value={draft.jitter}
          hint={words.hint.jitter}
          onChange={(jitter: Length) => set({ jitter }, '/jitter')}
        />
      </div>
      <FormField form={form} pointer="/exclude" hint={words.hint.exclude}>
        <Input
          render={<textarea rows={3} />}
          className="input mono edit-dates"
          spellCheck={false}
          value={draft.exclude.join('\n')}
          onChange={(event) => {
            const typed = (event.target as unknown as HTMLTextAreaElement).value
            set({ exclude: typed === '' ? [] : typed.split('\n') }, '/exclude')
          }}
        />
      </FormField>
    </Fold>
  )
}

const choices = <T extends string>(names: Record<T, string>) =>
  (Object.entries(names) as [T, string][]).map(([value, label]) => ({ value, label }))

const DST = choices<DstPolicy>(words.dst)
const MISFIRE = choices<MisfirePolicy>(words.misfire)

export function Downtime({ form }: { form: Form }) {
  const { draft, set } = form
  const [isOpen, setOpen] = useFold(form, 'downtime')
  return (
    <Fold
      title={words.fold.downtime}
      summary={downtimeSaid(draft)}
      isOpen={isOpen}
      onToggle={setOpen}
    >
      {draft.kind === 'cron' ? (
        <Policy
          form={form}
          pointer="/dst_policy"
          choices={DST}
          value={draft.dstPolicy}
          change={(dstPolicy) => ({ dstPolicy })}
        />
      ) : null}
      <Policy
        form={form}
        pointer="/misfire"
        choices={MISFIRE}
        value={draft.misfirePolicy}
        change={(misfirePolicy) => ({ misfirePolicy })}
      />
      <div className="edit-pair">
        <LengthField
          form={form}
          pointer="/misfire/max_age"
          value={draft.maxAge}
          hint={words.hint.maxAge}
          onChange={(maxAge: Length) => set({ maxAge }, '/misfire/max_age')}
        />
        <CountField
          form={form}
          pointer="/misfire/max_count"
          label={draft.misfirePolicy === 'all' ? 'At most' : 'Missed rows at most'}
          value={draft.maxCount}
          hint={draft.misfirePolicy === 'all' ? words.maxCountAll : words.hint.maxCount}
          onChange={(maxCount) => set({ maxCount }, '/misfire/max_count')}
        />
      </div>
    </Fold>
  )
}

interface PolicyProps<T extends string> {
  form: Form
  pointer: string
  choices: readonly { value: T; label: string }[]
  value: T
  change: (value: T) => Partial<Draft>
}

function Policy<T extends string>(props: PolicyProps<T>) {
  const { form, pointer, value, change } = props
  const label = PLACES[pointer]?.label ?? pointer
  return (
    <FormGroup form={form} pointer={pointer}>
      <div>
        <Picker
          label={label}
          isLabelShown={false}
          choices={props.choices}
          value={value}
          onChange={(picked) => form.set(change(picked), pointer)}
        />
      </div>
    </FormGroup>
  )
}
