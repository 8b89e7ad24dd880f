import { expect, test } from 'vitest'
import { definitionOf } from './definition'

const shown = { id: '1', status: 'active', version: 3, next_fire_at: null, fires: 0, labels: [] }

test('a line of an export has what makes the trigger, and nothing that was added', () => {
  const trigger = {
    ...shown,
    name: 'a',
    type: 'scheduled',
    interval: 30,
    timezone: 'UTC',
    cron: null,
  }
  expect(definitionOf(trigger)).toEqual({
    name: 'a',
    type: 'scheduled',
    interval: 30,
    timezone: 'UTC',
  })
})

test('a payload that is empty or false is one, and an api trigger has no clock', () => {
  const trigger = { ...shown, name: 'a', type: 'api', timezone: 'UTC', dst_policy: 'vixie' }
  expect(definitionOf({ ...trigger, payload: [] })).toEqual({ name: 'a', type: 'api', payload: [] })
  expect(definitionOf({ ...trigger, payload: false }).payload).toBe(false)
  expect('payload' in definitionOf({ ...trigger, payload: null })).toBe(false)
})
