import { expect, test } from 'vitest'
import { firstPayload } from './payload'

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
