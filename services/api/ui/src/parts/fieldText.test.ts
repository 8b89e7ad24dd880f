import { expect, test } from 'vitest'
import { fieldText } from './fieldText'

test('a field is told as it is written, and what is JSON as JSON', () => {
  expect(fieldText(undefined, 'description')).toBe('')
  expect(fieldText(1_800, 'interval')).toBe('1,800 s')
  expect(fieldText('PT1H', 'interval')).toBe('PT1H')
  expect(fieldText(['a', 'b'], 'labels')).toBe('a\nb')
  expect(fieldText(['a'], 'payload')).toBe('[\n  "a"\n]')
  expect(fieldText(null, 'payload')).toBe('null')
})
