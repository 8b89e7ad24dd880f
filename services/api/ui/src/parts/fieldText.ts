/** A field of a definition as text, where two definitions are compared: pure. */
import type { FieldName } from '../api/definition'
import { text } from '../text'

/** JSON of its owner's: a list in it is shown as one. */
const JSON_FIELDS: ReadonlySet<string> = new Set<FieldName>(['payload', 'payload_schema'])

/** Plain texts as they are, a list of them by line, all else as JSON. Empty for what is not there. */
export function fieldText(value: unknown, field: string): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  if (field === 'interval' && typeof value === 'number') return text.seconds(value)
  if (!JSON_FIELDS.has(field) && isOfTexts(value)) return value.join('\n')
  return JSON.stringify(value, null, 2)
}

const isOfTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
