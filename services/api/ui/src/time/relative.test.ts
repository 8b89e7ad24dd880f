import { expect, it } from 'vitest'
import { setTo } from './relative'

it('what the platform was set to is told exactly, and hours are not made days', () => {
  const told = [7_200, 172_800, 5_400, 30, 90, 0.5, 172_799].map(setTo)
  expect(told).toEqual([
    '2 h',
    '48 h',
    '1 h 30 min',
    '30 s',
    '1 min 30 s',
    '0.5 s',
    '47 h 59 min 59 s',
  ])
  expect(setTo(undefined)).toBeNull()
})
