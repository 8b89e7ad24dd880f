import { describe, expect, it } from 'vitest'
import { isByDelivery, latesOf, toFilter, viewOf } from './view'

describe('by how late the log is narrowed', () => {
  it('knows from when on the platform calls it a misfire, and what the address says', () => {
    expect(latesOf(30, null)).toEqual([1, 30, 300])
    expect(latesOf(600, 45)).toEqual([1, 45, 300, 600])
    expect(latesOf(300, 1)).toEqual([1, 300])
    expect(latesOf(undefined, null)).toEqual([1, 300])
  })
})

it('narrows by deliveries and targets, which no stream tells of', () => {
  const view = viewOf(new URLSearchParams('delivery=dead,lost,pending&target=t1,t2'))
  expect(toFilter(view)).toEqual({
    state: ['active'],
    delivery: ['pending', 'dead'],
    target_id: ['t1', 't2'],
  })
  expect(isByDelivery(view)).toBe(true)
  expect(isByDelivery(viewOf(new URLSearchParams('status=fired')))).toBe(false)
})
