import { describe, expect, it } from 'vitest'
import type { Definition } from '../../api/triggers'
import { diff } from './diff'

const base = {
  name: 'order placed',
  type: 'api',
  timezone: 'UTC',
  dst_policy: 'vixie',
  exclude: [],
  labels: ['a'],
  payload: { currency: 'EUR', to: { 'a/b': 1, same: [1, 2] } },
} as unknown as Definition

describe('what differs between two versions', () => {
  it('is nothing where only the order of members does', () => {
    const payload = { to: { same: [1, 2], 'a/b': 1 }, currency: 'EUR' }
    expect(diff(base, { ...base, payload })).toEqual([])
  })

  it('is told by pointer within a payload, and lists as a whole', () => {
    const payload = { to: { 'a/b': 2, same: [2, 1] }, more: null }
    expect(diff(base, { ...base, payload })).toEqual([
      { field: 'payload', pointer: '/currency', before: 'EUR', after: undefined },
      { field: 'payload', pointer: '/to/a~1b', before: 1, after: 2 },
      { field: 'payload', pointer: '/to/same', before: [1, 2], after: [2, 1] },
      { field: 'payload', pointer: '/more', before: undefined, after: null },
    ])
  })

  it('takes null and missing fields for the same', () => {
    expect(diff(base, { ...base, cron: null, misfire: null })).toEqual([])
  })
})
