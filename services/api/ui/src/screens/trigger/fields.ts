/** A definition's fields, as a create and a replace take them, and their names for people: pure. */
import type { Definition } from '../../api/triggers'
import { text } from '../../text'

const NAMES = text.field satisfies Partial<Record<keyof Definition, string>>

export type FieldName = keyof typeof NAMES

export const FIELDS = Object.keys(NAMES) as FieldName[]

/** What a create or a replace takes of a trigger: its fields, without what the platform adds. */
export function definitionOf(trigger: Definition): Definition {
  const own = Object.fromEntries(
    FIELDS.filter((field) => trigger[field] !== undefined && trigger[field] !== null).map(
      (field) => [field, trigger[field]],
    ),
  )
  return own as unknown as Definition
}

export const fieldLabel = (field: FieldName): string => NAMES[field]

/** The schedule as it was written: `30 9 * * MON-FRI`, `PT30S`, an instant. */
export function expression(definition: Definition): string | null {
  if (definition.cron) return definition.cron
  if (definition.interval !== null && definition.interval !== undefined) {
    return typeof definition.interval === 'number'
      ? `PT${definition.interval}S`
      : definition.interval
  }
  return definition.schedule_time ?? null
}
