import type { ReactNode } from 'react'
import { useTimezones } from '../../api/schedules'
import { Button } from '../../parts/Button'
import { Input } from '../../parts/Field'
import { SearchPicker } from '../../parts/SearchPicker'
import { isInTrouble } from '../../parts/Trouble'
import { offsetText } from '../../time/format'
import { type Form, FormField, FormGroup } from './form'
import { LengthField, MomentField } from './Inputs'
import { Downtime, Limits } from './Limits'
import type { Length } from './length'
import { words } from './text'

const INTERVALS: readonly (Length & { label: string })[] = [
  { count: '30', unit: 's', label: '30 s' },
  { count: '1', unit: 'min', label: '1 min' },
  { count: '15', unit: 'min', label: '15 min' },
  { count: '1', unit: 'h', label: '1 h' },
  { count: '1', unit: 'd', label: '1 d' },
]

const CRONS = [
  ['each hour', '0 * * * *'],
  ['each day at 9', '0 9 * * *'],
  ['weekdays at 9:30', '30 9 * * MON-FRI'],
  ['Mondays', '0 9 * * MON'],
  ['first of a month', '0 0 1 * *'],
  ['last weekday', '0 17 LW * *'],
] as const

/** When it fires: the rule, its zone, and what limits it. */
export function When({ form }: { form: Form }) {
  const { draft, set } = form
  return (
    <section className="edit-card" aria-labelledby="edit-when">
      <h2 id="edit-when">{words.section.when}</h2>
      {draft.kind === 'once' ? (
        <MomentField
          form={form}
          pointer="/schedule_time"
          value={draft.scheduleTime}
          onChange={(scheduleTime) => set({ scheduleTime }, '/schedule_time')}
        />
      ) : null}
      {draft.kind === 'interval' ? <Interval form={form} /> : null}
      {draft.kind === 'cron' ? <Cron form={form} /> : null}
      <Zone form={form} />
      <Limits form={form} />
      <Downtime form={form} />
    </section>
  )
}

function Interval({ form }: { form: Form }) {
  const pick = (interval: Length) => form.set({ interval }, '/interval')
  return (
    <div className="edit-rule">
      <LengthField
        form={form}
        pointer="/interval"
        value={form.draft.interval}
        onChange={pick}
        hint={words.hint.interval}
      />
      <Presets>
        {INTERVALS.map(({ label, ...interval }) => (
          <Button key={label} kind="quiet" onClick={() => pick(interval)}>
            {label}
          </Button>
        ))}
      </Presets>
    </div>
  )
}

function Cron({ form }: { form: Form }) {
  const { cron } = form.draft
  const firm = form.errors.find((error) => error.field === '/cron')
  const wrong = firm ?? form.quiet.find((error) => error.field === '/cron')
  const at = wrong?.at ?? null
  const pick = (cron: string) => form.set({ cron }, '/cron')
  return (
    <div className="edit-rule">
      <FormField form={form} pointer="/cron" hint={words.hint.cron}>
        <Input
          className="input mono edit-cron"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          value={cron}
          onChange={(event) => pick(event.target.value)}
        />
        <pre className={firm ? 'edit-caret is-rejected' : 'edit-caret'} aria-hidden="true">
          {at === null ? ' ' : `${' '.repeat(at)}^`}
        </pre>
      </FormField>
      <Presets>
        {CRONS.map(([label, expression]) => (
          <Button key={expression} kind="quiet" title={expression} onClick={() => pick(expression)}>
            {label}
          </Button>
        ))}
      </Presets>
    </div>
  )
}

function Presets({ children }: { children: ReactNode }) {
  return (
    <div className="edit-presets" role="group" aria-label={words.presets}>
      <span className="quiet">{words.presets}</span>
      {children}
    </div>
  )
}

/** The zones that the platform knows, with what their clocks show now. */
function Zone({ form }: { form: Form }) {
  const zones = useTimezones()
  const choices = zones.data?.zones.map((zone) => ({
    value: zone.name,
    aside: `${offsetText(Math.round(zone.offset_s / 60))} ${zone.abbreviation}`,
  }))
  return (
    <FormGroup
      form={form}
      pointer="/timezone"
      hint={isInTrouble(zones) ? words.zone.away : undefined}
    >
      <div>
        <SearchPicker
          label={words.zone.label}
          placeholder={words.zone.search}
          choices={choices}
          value={form.draft.timezone}
          onChange={(timezone) => form.set({ timezone }, '/timezone')}
        />
      </div>
    </FormGroup>
  )
}
