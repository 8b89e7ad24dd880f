import { describe, expect, it } from 'vitest'
import type { EventRow } from '../../api/events'
import { justAfter, NOTHING, show, take } from './feed'

const row = (n: number) =>
  ({
    id: `e${String(n).padStart(4, '0')}`,
    logged_at: new Date(n * 1000).toISOString(),
  }) as EventRow
const none = () => false
const ids = (rows: readonly EventRow[]) => rows.map((each) => each.id)

describe('the rows that a stream brings', () => {
  it('are in sight at once, each once, the newest first', () => {
    const feed = take(take(NOTHING, [row(1), row(2)], none, false), [row(2), row(3)], none, false)
    expect(ids(feed.rows)).toEqual(['e0003', 'e0002', 'e0001'])
    expect(feed.count).toBe(0)
  })

  it('wait and are counted while one reads, without those that the pages show', () => {
    const held = take(NOTHING, [row(1), row(2), row(2), row(3)], (id) => id === 'e0001', true)
    expect(held.rows).toEqual([])
    expect(held.count).toBe(2)
    expect(ids(show(held).rows)).toEqual(['e0003', 'e0002'])
  })

  it('are cut at 500, and it is known that they do not reach the pages any more', () => {
    const many = Array.from({ length: 600 }, (_, n) => row(n))
    const feed = take(NOTHING, many, none, false)
    expect(feed.rows).toHaveLength(500)
    expect(feed.rows[0]?.id).toBe('e0599')
    expect(feed.isCut).toBe(true)
    const held = take(feed, [row(700)], none, true)
    expect(show(held).isCut).toBe(true)
  })

  it('leave no hole where more waited than are kept', () => {
    const before = take(NOTHING, [row(1)], none, false)
    const many = Array.from({ length: 600 }, (_, n) => row(n + 10))
    const held = take(before, many, none, true)
    expect(held.count).toBe(600)
    const shown = show(held)
    expect(ids(shown.rows)).not.toContain('e0001')
    expect(shown.isCut).toBe(true)
  })
})

describe('the instant after a row', () => {
  it('is a microsecond later', () => {
    expect(justAfter('2026-11-30T09:41:00.123456Z')).toBe('2026-11-30T09:41:00.123457Z')
    expect(justAfter('2026-11-30T09:41:00Z')).toBe('2026-11-30T09:41:00.000001Z')
    expect(justAfter('2026-11-30T09:41:00.999999Z')).toBe('2026-11-30T09:41:01.000Z')
  })
})
