/** What differs between two definitions, by field; within JSON by pointer: pure. */
import { FIELDS, type FieldName } from '../../api/definition'
import { isObject, same } from '../../api/exact'
import type { Definition } from '../../api/triggers'
import { text } from '../../text'

export interface Change<F extends string = FieldName> {
  field: F
  /** Within a payload or a schema: the pointer of what differs; else empty. */
  pointer: string
  /** `undefined`: not there. */
  before: unknown
  after: unknown
}

const escapeToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1')

/** Goes into objects, not into arrays: a list is shown as a whole, its order means something. */
function within<F extends string>(
  field: F,
  pointer: string,
  before: unknown,
  after: unknown,
): Change<F>[] {
  if (same(before, after)) return []
  if (!isObject(before) || !isObject(after)) return [{ field, pointer, before, after }]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names.flatMap((name) =>
    within(
      field,
      `${pointer}/${escapeToken(name)}`,
      Object.hasOwn(before, name) ? before[name] : undefined,
      Object.hasOwn(after, name) ? after[name] : undefined,
    ),
  )
}

/** A field that is null is one that is not there: so the API says it. */
const given = (value: unknown): unknown => (value === null ? undefined : value)

/** The fields' names for people, each once. */
export const namesOf = (
  changes: readonly Change<string>[],
  names: Readonly<Record<string, string>> = text.field,
): string => [...new Set(changes.map(({ field }) => names[field] ?? field))].join(', ')

export const diff = (before: Definition, after: Definition): Change[] =>
  diffOf(FIELDS, before, after)

/** The same of what has other fields than a trigger. */
export function diffOf<F extends string>(
  fields: readonly F[],
  before: Partial<Record<F, unknown>>,
  after: Partial<Record<F, unknown>>,
): Change<F>[] {
  return fields.flatMap((field) => within(field, '', given(before[field]), given(after[field])))
}
