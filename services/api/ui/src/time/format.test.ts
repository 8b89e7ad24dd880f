import { describe, expect, it, vi } from 'vitest'
import {
  clock,
  date,
  instant,
  isAmbiguous,
  isKnownZone,
  offset,
  ownZone,
  scheduled,
} from './format'

const BERLIN = 'Europe/Berlin'
const at = (text: string) => Date.parse(text)

describe('an instant on the clock of a zone', () => {
  it('shows seconds always, and milliseconds where asked for', () => {
    expect(clock(at('2026-11-30T08:41:00.042Z'), BERLIN)).toBe('09:41:00')
    expect(clock(at('2026-11-30T08:41:00.042Z'), BERLIN, true)).toBe('09:41:00.042')
    expect(clock(at('2026-11-30T23:00:00Z'), BERLIN)).toBe('00:00:00')
  })

  it('has a date where it is not today’s on that clock', () => {
    const now = at('2026-11-30T22:30:00Z')
    expect(instant(now, BERLIN, now)).toBe('23:30:00')
    expect(instant(at('2026-11-30T23:30:00Z'), BERLIN, now)).toBe('Tue 1 Dec 00:30:00')
    expect(instant(at('2026-11-30T23:30:00Z'), 'UTC', now)).toBe('23:30:00')
  })

  it('shows its offset in the hours that a clock repeats, and in no others', () => {
    const first = at('2026-10-25T00:30:00Z')
    const second = at('2026-10-25T01:30:00Z')
    expect(instant(first, BERLIN, first)).toBe('02:30:00 +02:00')
    expect(instant(second, BERLIN, second)).toBe('02:30:00 +01:00')
    expect(isAmbiguous(at('2026-10-24T23:59:59Z'), BERLIN)).toBe(false)
    expect(isAmbiguous(at('2026-10-25T02:00:00Z'), BERLIN)).toBe(false)
    expect(isAmbiguous(at('2026-03-29T01:00:00Z'), BERLIN)).toBe(false)
    expect(isAmbiguous(first, 'UTC')).toBe(false)
  })

  it('knows a half hour that a clock repeats', () => {
    expect(isAmbiguous(at('2027-04-03T14:45:00Z'), 'Australia/Lord_Howe')).toBe(true)
    expect(isAmbiguous(at('2027-04-03T14:15:00Z'), 'Australia/Lord_Howe')).toBe(false)
  })
})

it('tells the clock after the last year of four digits', () => {
  expect(clock(at('9999-12-31T23:30:00.007Z'), BERLIN, true)).toBe('00:30:00.007')
})

describe('offsets and zones', () => {
  it('have two digits and a sign', () => {
    expect(offset(at('2026-11-30T00:00:00Z'), BERLIN)).toBe('+01:00')
    expect(offset(at('2026-11-30T00:00:00Z'), 'America/St_Johns')).toBe('-03:30')
    expect(offset(at('2026-11-30T00:00:00Z'), 'UTC')).toBe('+00:00')
  })

  it('are told from names that no zone has', () => {
    expect(isKnownZone(BERLIN)).toBe(true)
    expect(isKnownZone('Nowhere/Else')).toBe(false)
  })
})

describe('what is remembered', () => {
  it.each([
    BERLIN,
    'America/St_Johns',
    'Africa/Casablanca',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Pacific/Chatham',
    'Pacific/Apia',
  ])('is what the browser says, in each quarter of an hour: %s', (zone) => {
    const said = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'medium',
    })
    const words = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      year: 'numeric',
    })
    // Steps of a day and some: all hours of the day, and both sides of changes.
    const wrong: string[] = []
    for (let ms = at('2024-01-01T00:00:00.007Z'); ms < at('2028-01-01'); ms += 88_173_001) {
      const shown = `${date(ms, zone, 0)} ${clock(ms, zone)}`
      const wanted = `${words.format(ms).replace(',', '')} ${said.format(ms).slice(-8)}`
      if (shown !== wanted) wrong.push(`${new Date(ms).toISOString()}: ${shown}, not ${wanted}`)
    }
    expect(wrong).toEqual([])
  })

  it('is told again without a new format: there is an instant in every row', () => {
    ownZone()
    const now = at('2026-11-30T08:41:00Z')
    const read = vi.spyOn(Intl.DateTimeFormat.prototype, 'formatToParts')
    const made = vi.spyOn(Intl, 'DateTimeFormat')
    for (let ms = 0; ms < 60_000; ms += 100) instant(now + ms, ownZone(), now + ms, true)
    expect(made.mock.calls.length).toBeLessThan(5)
    expect(read.mock.calls.length).toBeLessThan(10)
    vi.restoreAllMocks()
  })
})

describe('a fire to come on its schedule’s clock', () => {
  const now = at('2026-11-30T22:30:00Z')

  it('is the server’s word, whatever this browser thinks of the zone', () => {
    const told = (local: string, zone: string) => scheduled(at(local), local, zone, now)
    expect(told('2026-11-30T23:30:00+01:00', BERLIN)).toBe('23:30:00')
    expect(told('2026-12-01T00:30:00+01:00', BERLIN)).toBe('Tue 1 Dec 00:30:00')
    // New rules, or a zone, that the browser does not know yet.
    expect(told('2026-12-01T00:30:00+03:00', BERLIN)).toBe('00:30:00')
    expect(told('2027-01-01T09:00:00+05:45', 'Asia/Nowhere')).toBe('Fri 1 Jan 2027 09:00:00')
  })

  it('has its offset in an hour that comes twice', () => {
    const twice = '2026-10-25T02:30:00+01:00'
    expect(scheduled(at(twice), twice, BERLIN, at(twice))).toBe('02:30:00 +01:00')
  })
})
