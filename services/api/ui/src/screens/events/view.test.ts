import { describe, expect, it } from 'vitest'
import { latesOf } from './view'

describe('by how late the log is narrowed', () => {
  it('knows from when on the platform calls it a misfire, and what the address says', () => {
    expect(latesOf(30, null)).toEqual([1, 30, 300])
    expect(latesOf(600, 45)).toEqual([1, 45, 300, 600])
    expect(latesOf(300, 1)).toEqual([1, 300])
    expect(latesOf(undefined, null)).toEqual([1, 300])
  })
})
