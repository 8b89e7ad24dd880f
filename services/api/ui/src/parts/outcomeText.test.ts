import { expect, test } from 'vitest'
import { outcome } from './outcomeText'

test('a fire is told by what it became, and by its name where that is not in sight', () => {
  expect(outcome.said({ status: 'fired', is_test: false })).toBe('It fired')
  expect(outcome.said({ status: 'rejected', is_test: true })).toBe('The test was rejected')
  expect(outcome.said({ status: 'fired', is_test: true }, 'report')).toBe('Test of report fired')
  expect(outcome.said({ status: 'missed', is_test: false }, 'report')).toBe('report was missed')
})
