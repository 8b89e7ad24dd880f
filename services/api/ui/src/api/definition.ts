/** What a trigger's definition is made of, and what it is written as: pure. */
import type { Definition } from './triggers'

/** The fields that decide when it fires. */
export const SCHEDULE = [
  'schedule_time',
  'interval',
  'cron',
  'timezone',
  'dst_policy',
  'starts_at',
  'ends_at',
  'max_fires',
  'jitter',
  'exclude',
  'misfire',
] as const

/** All that its owner writes, as a create and a replace take it, in the order of the form. */
export const FIELDS = [
  'name',
  'type',
  'description',
  'labels',
  ...SCHEDULE,
  'payload',
  'payload_schema',
  'targets',
] as const

export type FieldName = (typeof FIELDS)[number]

/** A trigger's own fields, without what the platform adds; a null is a field that is not there. */
export function definitionOf(trigger: Definition): Definition {
  return chosen(trigger, (field) => trigger[field] !== undefined && trigger[field] !== null)
}

/** An api trigger has no clock: these say nothing of it, unless somebody chose them. */
const CLOCKLESS: Partial<Definition> = { timezone: 'UTC', dst_policy: 'vixie' }

/** The same for a file that people read: without what is so by default. */
export function briefOf(trigger: Definition): Definition {
  const own = definitionOf(trigger)
  return chosen(own, (field) => {
    const value = own[field]
    if (own.type === 'api' && value !== undefined && value === CLOCKLESS[field]) return false
    // An empty list is a payload, too; elsewhere it is the default.
    return value !== undefined && (field === 'payload' || !isEmpty(value))
  })
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

function chosen(definition: Definition, isChosen: (field: FieldName) => boolean): Definition {
  const fields = FIELDS.filter(isChosen).map((field) => [field, definition[field]])
  return Object.fromEntries(fields) as unknown as Definition
}

/** The schedule as it was written: `30 9 * * MON-FRI`, `PT30S`, an instant. Null for an api trigger. */
export function expressionOf({ cron, interval, schedule_time }: Definition): string | null {
  if (cron) return cron
  if (interval === null || interval === undefined) return schedule_time ?? null
  return typeof interval === 'number' ? `PT${interval}S` : interval
}

/** Its zone, where what was written is read in one. */
export function zoneOf({ type, timezone, schedule_time }: Definition): string | null {
  const isAbsolute = /(Z|[+-]\d\d:\d\d)$/.test(schedule_time ?? '')
  return type === 'api' || isAbsolute ? null : (timezone ?? null)
}
