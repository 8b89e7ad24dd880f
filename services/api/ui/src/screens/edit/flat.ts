/** Which schemas a form can stand for: an object of texts, numbers and yes or no. */
import { isObject, parse, pretty } from './json'

export interface FlatField {
  name: string
  type: 'string' | 'number' | 'integer' | 'boolean'
  choices: readonly string[] | null
  isRequired: boolean
  hint: string | null
}

/** The fields of a flat schema; null where a form would hide a part of it. */
export function flatFields(schemaText: string): FlatField[] | null {
  const schema = readOr(schemaText, null)
  if (!isObject(schema) || schema.type !== 'object' || !isObject(schema.properties)) return null
  const required = Array.isArray(schema.required) ? schema.required : []
  const fields: FlatField[] = []
  for (const [name, property] of Object.entries(schema.properties)) {
    if (!isObject(property)) return null
    const { type } = property
    if (type !== 'string' && type !== 'number' && type !== 'integer' && type !== 'boolean') {
      return null
    }
    const choices = property.enum
    if (choices !== undefined && !isTexts(choices)) return null
    fields.push({
      name,
      type,
      choices: choices ?? null,
      isRequired: required.includes(name),
      hint: typeof property.description === 'string' ? property.description : null,
    })
  }
  return fields.length > 0 ? fields : null
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

function readOr<T>(text: string, other: T): unknown | T {
  try {
    return parse(text)
  } catch {
    return other
  }
}

/** The payload's object; null where a form of these fields would hide a part of it. */
export function flatValue(
  payloadText: string,
  fields: readonly FlatField[],
): Record<string, unknown> | null {
  if (payloadText.trim() === '') return {}
  const value = readOr(payloadText, null)
  if (!isObject(value)) return null
  return Object.keys(value).every((name) => fields.some((each) => each.name === name))
    ? value
    : null
}

/** The payload with one field as it was typed: what is empty is not in it. */
export function withField(payloadText: string, field: FlatField, typed: string): string {
  const before = readOr(payloadText, null)
  const value = isObject(before) ? { ...before } : {}
  if (typed === '') delete value[field.name]
  else value[field.name] = meant(field, typed)
  return Object.keys(value).length === 0 ? '' : pretty(value)
}

/** A number where it is one: what else was typed stays a text, for the schema to refuse. */
function meant({ type }: FlatField, typed: string): unknown {
  if (type === 'string') return typed
  const value = readOr(typed, typed)
  return typeof value === 'string' || isObject(value) || Array.isArray(value) ? typed : value
}

/** How a field's value stands in its control. */
export function typedOf(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
