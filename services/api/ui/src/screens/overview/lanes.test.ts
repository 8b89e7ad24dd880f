import { describe, expect, it } from 'vitest'
import { marks, ticks } from './lanes'

const at = (iso: string) => ({ scheduled_for: iso, local: iso, dst: null })
const from = Date.parse('2026-11-30T10:00:00Z')
const until = Date.parse('2026-11-30T11:00:00Z')

describe('marks', () => {
  it('places what lies ahead between now and the end, and nothing else', () => {
    const shown = marks(
      [
        at('2026-11-30T09:59:59Z'),
        at('2026-11-30T10:00:00Z'),
        at('2026-11-30T10:15:00Z'),
        at('2026-11-30T11:00:00Z'),
        at('2026-11-30T11:00:01Z'),
      ],
      from,
      until,
    )
    expect(shown.map((mark) => mark.at)).toEqual([0, 0.25, 1])
  })
})

describe('ticks', () => {
  it('steps in sizes that clocks have, six at the most and one', () => {
    expect(
      ticks(from + 1, until).map((each) => new Date(each).toISOString().slice(11, 16)),
    ).toEqual(['10:10', '10:20', '10:30', '10:40', '10:50', '11:00'])
  })
})
