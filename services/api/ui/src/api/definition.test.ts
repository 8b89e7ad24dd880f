import { expect, test } from 'vitest'
import { briefOf, definitionOf, expressionOf } from './definition'
import type { Trigger } from './triggers'

const shown = { id: '1', status: 'active', version: 3, next_fire_at: null, fires: 0 }
const trigger = (fields: object) => ({ ...shown, labels: [], ...fields }) as unknown as Trigger

test('a definition has what makes the trigger, and nothing that was added', () => {
  const fields = { name: 'a', type: 'scheduled', interval: 30, timezone: 'UTC' }
  expect(definitionOf(trigger({ ...fields, cron: null }))).toEqual({ ...fields, labels: [] })
  expect(briefOf(trigger({ ...fields, cron: null, exclude: [] }))).toEqual(fields)
})

test('in brief, a payload that is empty or false is one', () => {
  const fields = { name: 'a', type: 'api' }
  expect(briefOf(trigger({ ...fields, payload: [] }))).toEqual({ ...fields, payload: [] })
  expect(briefOf(trigger({ ...fields, payload: false })).payload).toBe(false)
  expect('payload' in briefOf(trigger({ ...fields, payload: null }))).toBe(false)
})

test('in brief, an api trigger has no clock but one that was chosen', () => {
  const fields = { name: 'a', type: 'api', dst_policy: 'vixie' }
  expect(briefOf(trigger({ ...fields, timezone: 'UTC' }))).toEqual({ name: 'a', type: 'api' })
  expect(briefOf(trigger({ ...fields, timezone: 'Asia/Tokyo' })).timezone).toBe('Asia/Tokyo')
})

test('a schedule is told as it was written', () => {
  expect(expressionOf(trigger({ cron: '@daily', interval: null }))).toBe('@daily')
  expect(expressionOf(trigger({ interval: 30 }))).toBe('PT30S')
  expect(expressionOf(trigger({ interval: 'P1D' }))).toBe('P1D')
  expect(expressionOf(trigger({ schedule_time: '2027-01-01T00:00:00Z' }))).toMatch(/^2027/)
  expect(expressionOf(trigger({ type: 'api' }))).toBeNull()
})
