import { describe, expect, it } from 'vitest'
import { flatFields, flatValue, withField } from './flat'

const schema =
  '{"type":"object","required":["amount"],"properties":{"amount":{"type":"number"},"note":{"type":"string"}}}'

describe('a payload as a form', () => {
  const fields = flatFields(schema) ?? []
  const [amount] = fields

  it('stands for a payload of which it shows every part', () => {
    expect(flatValue('', fields)).toEqual({})
    expect(flatValue('{"amount": 2}', fields)).toEqual({ amount: 2 })
  })

  it('is none where it would hide a part of the payload', () => {
    expect(flatValue('{"amount": 2, "currency": "EUR"}', fields)).toBeNull()
    expect(flatValue('[1]', fields)).toBeNull()
  })

  it('changes one field and leaves the others', () => {
    if (!amount) throw new Error('the schema has a field')
    expect(JSON.parse(withField('{"note": "n"}', amount, '12.5'))).toEqual({
      note: 'n',
      amount: 12.5,
    })
    expect(withField('{"amount": 1}', amount, '')).toBe('')
  })
})
