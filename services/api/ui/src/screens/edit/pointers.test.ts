import { expect, it } from 'vitest'
import { fieldOf, placed } from './pointers'

it('puts an error at its field, or at the nearest parent that the form has', () => {
  expect(fieldOf('/cron', 'cron')).toBe('/cron')
  expect(fieldOf('/misfire/max_age', 'once')).toBe('/misfire/max_age')
  expect(fieldOf('/misfire/policy', 'once')).toBe('/misfire')
  expect(fieldOf('/payload/a~1b/0/c', 'api')).toBe('/payload')
  expect(fieldOf('/exclude/2', 'cron')).toBe('/exclude')
})

it('leaves what the form of this kind does not show to the summary', () => {
  expect(fieldOf('/starts_at', 'api')).toBeNull()
  expect(fieldOf('', 'cron')).toBeNull()
  expect(fieldOf('/nowhere', 'cron')).toBeNull()
})

it('says where in the field it is, and what has to be opened', () => {
  expect(placed({ pointer: '/payload/a~1b/0', message: 'no' }, 'api').label).toBe(
    'Payload · a/b › 0',
  )
  expect(placed({ pointer: '/jitter', message: 'no' }, 'cron').fold).toBe('limits')
  expect(placed({ pointer: '/cron', message: 'no', at: 7 }, 'cron').at).toBe(7)
})
