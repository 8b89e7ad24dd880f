import type { Trigger } from '../../api/triggers'

/** What was written as the schedule: under its words, for who thinks in it. */
export function expressionOf(trigger: Trigger): string {
  const { cron, interval, schedule_time } = trigger
  if (cron) return cron
  if (interval !== null && interval !== undefined) {
    return typeof interval === 'number' ? `PT${interval}S` : interval
  }
  return schedule_time ?? 'api'
}

/** Its zone, where what was written is read in one. */
export function zoneOf(trigger: Trigger): string | null {
  if (trigger.type === 'api') return null
  const isAbsolute = /(Z|[+-]\d\d:\d\d)$/.test(trigger.schedule_time ?? '')
  return isAbsolute ? null : trigger.timezone
}
