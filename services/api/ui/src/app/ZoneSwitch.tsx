import { Segments } from '../parts/Segments'
import { text } from '../text'
import { useZoneMode, type ZoneMode } from '../time/zone'

/** One switch for every instant of a screen; the third choice where there are schedules. */
export function ZoneSwitch({ hasSchedule = true }: { hasSchedule?: boolean }) {
  const { mode, choose } = useZoneMode()
  const choices: { value: ZoneMode; label: string }[] = [
    { value: 'yours', label: text.zone.yours },
    { value: 'utc', label: text.zone.utc },
  ]
  if (hasSchedule) choices.push({ value: 'schedule', label: text.zone.schedule })
  return (
    <div className="zone-switch">
      <span aria-hidden="true">{text.zone.label}</span>
      <Segments label={text.zone.label} choices={choices} value={mode} onChange={choose} />
    </div>
  )
}
