import { describe, expect, it } from 'vitest'
import type { EventRow } from '../../api/events'
import type { Occurrence } from '../../api/schedules'
import { marksOf, place, scaleFor, ticks } from './marks'

const NOW = Date.parse('2026-11-30T12:00:00Z')
const iso = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()

const row = (id: string, seconds: number, more: Partial<EventRow> = {}): EventRow =>
  ({
    id,
    status: 'fired',
    is_test: false,
    lateness: 0.001,
    scheduled_for: iso(seconds),
    fired_at: iso(seconds),
    logged_at: iso(seconds),
    last_scheduled_for: null,
    ...more,
  }) as EventRow

const next = (...seconds: number[]): Occurrence[] =>
  seconds.map((each) => ({ scheduled_for: iso(each), local: iso(each), dst: null }))

describe('the time axis', () => {
  it('shows an occurrence as due until its event is there, never both', () => {
    expect(marksOf([], next(0, 30)).map((mark) => mark.kind)).toEqual(['due', 'due'])
    expect(marksOf([row('a', 0)], next(0, 30)).map((mark) => mark.kind)).toEqual(['fired', 'due'])
  })

  it('leaves an occurrence due though a test fired in that very instant', () => {
    const test = row('a', 0, { is_test: true })
    expect(marksOf([test], next(0)).map((mark) => mark.kind)).toEqual(['test', 'due'])
  })

  it('puts a missed row over all that it stands for, where it should have fired', () => {
    const [mark] = marksOf(
      [
        row('a', -600, {
          status: 'missed',
          fired_at: null,
          logged_at: iso(-1),
          last_scheduled_for: iso(-60),
        }),
      ],
      [],
    )
    expect([mark?.kind, mark?.from, mark?.at]).toEqual(['missed', NOW - 600_000, NOW - 60_000])
  })

  it('keeps its reach while the seconds of a regular schedule pass', () => {
    const minutes = next(60, 120, 180, 240, 300, 360, 420)
    for (const passed of [0, 1, 30, 59]) {
      expect(scaleFor(marksOf([], minutes), NOW + passed * 1000).reach).toBe(300)
    }
  })

  it('brings a trigger 10 s ahead nearer on one scale, and follows its event', () => {
    expect(scaleFor(marksOf([], next(10)), NOW).reach).toBe(15)
    expect(scaleFor(marksOf([row('a', -3)], []), NOW).reach).toBe(15)
    expect(place(NOW, NOW, { reach: 15, step: 5 })).toBe(0.5)
    expect(ticks({ reach: 15, step: 5 })).toEqual([-15, -10, -5, 5, 10, 15])
  })
})
