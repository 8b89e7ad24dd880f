import { expect, test } from 'vitest'
import { faultOf, firstPayload } from './payload'

test('nothing typed is no fault, and a fault says what it is, and where if that is known', () => {
  expect(faultOf('  ')).toBeNull()
  expect(faultOf('{"a": 1}')).toBeNull()
  expect(faultOf('{"a": x}')?.message).toContain("'x'")
  expect(faultOf('{"a": 1 "b": 2}')?.at).toBe(8)
  expect(faultOf('{"a": 1')?.at).toBe(7)
})

test('what the schema wants and the own payload lacks is there to be filled in', () => {
  const schema = {
    required: ['currency', 'amount', 'kind'],
    properties: { amount: { type: 'number', minimum: 5 }, kind: { enum: ['a', 'b'] } },
  }
  expect(JSON.parse(firstPayload(schema, { currency: 'EUR' }))).toEqual({ amount: 5, kind: 'a' })
})

test('without a schema one begins with an object where it would be merged', () => {
  expect(firstPayload(null, null)).toBe('{}')
  expect(firstPayload(null, 'a text')).toBe('')
})
