import { SCHEDULE } from '../../api/fields'

/** What makes a trigger again: its definition, without what the platform added to it. */
const FIELDS = ['name', 'type', 'payload', ...SCHEDULE, 'payload_schema', 'description', 'labels']
/** An api trigger has no clock: what these say of it is their default alone. */
const TIMED = ['timezone', 'dst_policy']

/** A line for ``POST /triggers/bulk``: what says nothing is left out. */
export function definitionOf(trigger: Record<string, unknown>): Record<string, unknown> {
  const isSaid = (field: string) => {
    const value = trigger[field]
    if (value === null || value === undefined) return false
    // An empty list is a payload, too; elsewhere it is the default.
    return !Array.isArray(value) || value.length > 0 || field === 'payload'
  }
  const fields = trigger.type === 'api' ? FIELDS.filter((one) => !TIMED.includes(one)) : FIELDS
  return Object.fromEntries(fields.filter(isSaid).map((field) => [field, trigger[field]]))
}
