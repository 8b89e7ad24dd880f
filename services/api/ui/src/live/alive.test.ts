import { describe, expect, it } from 'vitest'
import type { EventRow } from '../api/events'
import { alive } from './alive'

const row = (second: number) =>
  ({
    id: String(second),
    archives_at: `2026-11-30T08:00:0${second}Z`,
    deletes_at: `2026-11-30T09:00:0${second}Z`,
  }) as EventRow

describe('rows of a list', () => {
  const rows = [row(3), row(2), row(1)]
  const at = (text: string) => Date.parse(text)

  it('are the very same while none has ended', () => {
    expect(alive(rows, 'archives_at', at('2026-11-30T08:00:00.999Z'))).toBe(rows)
  })

  it('leave it from the oldest on, each at its own end', () => {
    expect(alive(rows, 'archives_at', at('2026-11-30T08:00:02Z'))).toEqual([row(3)])
    expect(alive(rows, 'deletes_at', at('2026-11-30T08:59:59Z'))).toBe(rows)
    expect(alive(rows, 'deletes_at', at('2026-11-30T09:00:03Z'))).toEqual([])
    expect(alive([], 'deletes_at', 0)).toEqual([])
  })
})
