/** What a payload to be typed begins with: pure. */
import { isObject } from '../../api/exact'

const EMPTY: Record<string, unknown> = {
  string: '',
  number: 0,
  integer: 0,
  boolean: false,
  array: [],
  object: {},
  null: null,
}

/** What a trigger's schema asks for and its own payload does not have yet, to be filled in. */
export function firstPayload(schema: unknown, own: unknown): string {
  const required = isObject(schema) && Array.isArray(schema.required) ? schema.required : []
  const properties = isObject(schema) && isObject(schema.properties) ? schema.properties : {}
  const names = required.filter(
    (name): name is string =>
      typeof name === 'string' && !(isObject(own) && Object.hasOwn(own, name)),
  )
  if (names.length === 0) return own === null || isObject(own) ? '{}' : ''
  const sample = Object.fromEntries(names.map((name) => [name, sampleOf(properties[name])]))
  return JSON.stringify(sample, null, 2)
}

function sampleOf(schema: unknown): unknown {
  if (!isObject(schema)) return null
  if ('const' in schema) return schema.const
  if ('default' in schema) return schema.default
  for (const list of [schema.examples, schema.enum]) {
    if (Array.isArray(list) && list.length > 0) return list[0]
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  const value = EMPTY[String(type)] ?? null
  const least = schema.minimum
  return typeof value === 'number' && typeof least === 'number' ? Math.max(value, least) : value
}
