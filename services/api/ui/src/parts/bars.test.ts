import { describe, expect, it } from 'vitest'
import { type Bar, pathOf, range, totals } from './bars'

const bars: Bar[] = [
  { from: '2026-11-30T09:00:00Z', counts: { fired: 3, missed: 1 } },
  { from: '2026-11-30T09:01:00Z', counts: {} },
  { from: '2026-11-30T09:02:00Z', counts: { fired: 2 } },
]
const series = ['fired', 'missed']

describe('a histogram', () => {
  it('stacks a series on the one before it', () => {
    expect(pathOf(bars, series, 0)).toBe('M0.08 100v-75h.84v75zM2.08 100v-50h.84v50z')
    expect(pathOf(bars, series, 1)).toBe('M0.08 25v-25h.84v25z')
  })
  it('counts some of its bars', () => {
    expect(totals(bars.slice(0, 2), series)).toEqual({ fired: 3, missed: 1 })
  })
  it('covers whole bars, either way round, and nothing outside of the chart', () => {
    const chart = { from: '2026-11-30T09:00:20Z', to: '2026-11-30T09:02:30Z' }
    expect(range(bars, 1, 0, chart)).toEqual({ from: chart.from, to: '2026-11-30T09:02:00Z' })
    expect(range(bars, 1, 2, chart)).toEqual({ from: '2026-11-30T09:01:00Z', to: chart.to })
  })
})
