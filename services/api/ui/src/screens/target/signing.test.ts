import { expect, it } from 'vitest'
import { signing } from './signing'

it('counts a secret until its rotation is over', () => {
  const newer = { made_at: '2026-12-01T10:00:00Z', expires_at: null }
  const older = { made_at: '2026-11-01T10:00:00Z', expires_at: '2026-12-02T10:00:00Z' }
  const ends = Date.parse(older.expires_at)
  expect(signing([newer, older], ends - 1)).toEqual([newer, older])
  expect(signing([newer, older], ends)).toEqual([newer])
})
