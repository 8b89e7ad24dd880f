import { expect, test } from 'vitest'
import { signsOf } from './signs'

const NOON = Date.parse('2026-11-30T12:00:00Z')
const HOUR = 3_600_000
const BARE = '11:00:00.000'.length

test('What is of today is told without a date, by every clock', () => {
  const ends = [NOON + HOUR, NOON + HOUR / 2]
  expect(signsOf(ends, 'utc', 'UTC', NOON + HOUR)).toBe(BARE)
  expect(signsOf(ends, 'schedule', 'UTC', NOON + HOUR)).toBe(BARE + ' +00:00'.length)
})

test('A schedule’s clock may show another day than the reader’s', () => {
  const signs = signsOf([NOON, NOON - 8 * HOUR], 'schedule', 'UTC', NOON)
  expect(signs).toBeGreaterThan(signsOf([NOON, NOON - 8 * HOUR], 'utc', 'UTC', NOON) + 7)
})

test('Between two ends a clock may be put back', () => {
  const now = Date.parse('2026-10-25T06:00:00Z')
  for (const hours of [5.5, 6, 7]) {
    const ends = [now, now - hours * HOUR]
    expect(signsOf(ends, 'yours', 'Europe/Berlin', now)).toBe(BARE + ' +00:00'.length)
  }
})

test('Of nothing nothing is told', () => {
  expect(signsOf([], 'yours', 'UTC', NOON)).toBe(0)
})
