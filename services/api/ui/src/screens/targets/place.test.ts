import { expect, it } from 'vitest'
import type { Target } from '../../api/targets'
import { nameOf, paceOf } from './place'

const target = (fields: Partial<Target>): Target =>
  ({ id: 't1', name: null, url: null, subject: null, concurrency: 10, ...fields }) as Target

it('calls a target by its name, else by its host or subject', () => {
  expect(nameOf(target({ name: 'Shop', url: 'https://a.example/x' }))).toBe('Shop')
  expect(nameOf(target({ url: 'https://a.example:8443/T0/secret' }))).toBe('a.example:8443')
  expect(nameOf(target({ subject: 'out.orders' }))).toBe('out.orders')
  expect(nameOf(target({}))).toBe('t1')
})

it('tells how fast, and whether in order', () => {
  expect(paceOf(target({}))).toBe('10 at once')
  expect(paceOf(target({ rate: { count: 60, per: '1m' }, ordered: true }))).toBe(
    '10 at once, 60 a minute, in order',
  )
})
