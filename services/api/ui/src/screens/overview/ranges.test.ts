import { describe, expect, it } from 'vitest'
import { rangeOf, rangesOf } from './ranges'

const lives = (active_for_s: number, kept_for_s: number) => ({
  active_for_s,
  kept_for_s,
  misfire_grace_s: 30,
})

describe('how far back the charts reach', () => {
  it('is by the lives of the platform, with half a day between', () => {
    const ranges = rangesOf(lives(7_200, 172_800))
    expect(ranges.map(({ name, told, bucket }) => [name, told, bucket])).toEqual([
      ['2h', '2 h', '1m'],
      ['12h', '12 h', '5m'],
      ['48h', '48 h', '15m'],
    ])
    expect(rangesOf()).toEqual(ranges)
    expect(rangesOf(lives(10, 24)).map(({ told }) => told)).toEqual(['10 s', '24 s'])
    expect(rangesOf(lives(43_200, 86_400)).map(({ told }) => told)).toEqual(['12 h', '24 h'])
  })

  it('is the active life where the address names none that is there', () => {
    expect(rangeOf('48h', undefined).range.seconds).toBe(172_800)
    expect(rangeOf('48h', lives(10, 24)).range.told).toBe('10 s')
    expect(rangeOf(null, lives(5_400, 86_400)).range.name).toBe('1h30min')
  })
})
