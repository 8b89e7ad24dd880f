import { describe, expect, it } from 'vitest'
import { deliveriesOf } from './deliveriesOf'

const NOW = Date.parse('2026-12-01T12:00:00Z')
const AT = '2026-12-01T12:00:00.000Z'
const BORDER = '2026-12-01T10:00:00.000Z'
const of = (filter: Parameters<typeof deliveriesOf>[0], to = AT) =>
  deliveriesOf(filter, to, { active_for_s: 7200 }, NOW)

describe('the deliveries of a filtered log', () => {
  it('are those of its life', () => {
    expect(of({ state: ['active'] })).toEqual({ filter: { from: BORDER }, to: AT })
    expect(of({ state: ['archived'] })).toEqual({ filter: {}, to: BORDER })
    expect(of({})).toEqual({ filter: {}, to: AT })
  })

  it('keep the time that is chosen within it', () => {
    const from = '2026-12-01T11:00:00Z'
    const to = '2026-12-01T11:30:00Z'
    expect(of({ state: ['active'], from, to }, to)).toEqual({ filter: { from }, to })
    const old = '2026-12-01T01:00:00Z'
    expect(of({ state: ['active'], from: old })?.filter).toEqual({ from: BORDER })
    expect(of({ state: ['archived'], from: old, to: old }, old)).toEqual({
      filter: { from: old },
      to: old,
    })
  })

  it('keep what else narrows it, and leave out where they stand', () => {
    const kept = { source: ['api' as const], trigger_id: ['a'], target_id: ['b'], q: 'word' }
    expect(of({ ...kept, delivery: ['dead'], status: ['fired', 'missed'] })?.filter).toEqual(kept)
  })

  it('are none of what was never delivered', () => {
    expect(of({ status: ['missed', 'rejected'] })).toBeNull()
    expect(of({ delivery: ['none'] })).toBeNull()
  })
})
