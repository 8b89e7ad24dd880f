import { expect, it } from 'vitest'
import { bornAt } from './ids'

it('an id tells when its event came about', () => {
  expect(bornAt('01a22a10-8bd6-726a-8975-02cd9b1011cf')).toBe(
    new Date(0x01a22a108bd6).toISOString(),
  )
  expect(bornAt('01a22a10-8bd6-426a-8975-02cd9b1011cf')).toBe(null)
  expect(bornAt('no id')).toBe(null)
})
