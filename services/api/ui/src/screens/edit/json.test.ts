import { describe, expect, it } from 'vitest'
import { laidOver, merged, mergePatch, parse, pretty, same } from './json'
import { lengthOf, spoken } from './length'
import { changedLines, conflicts, resolved } from './rows'

describe('numbers', () => {
  // Chromium has it; an older Node, which may run this test, does not.
  it.runIf('rawJSON' in JSON)('come back as they were written', () => {
    const text = '{\n  "big": 123456789012345678901,\n  "one": 1.0\n}'
    expect(pretty(parse(text))).toBe(text)
    expect(same(parse('1.0'), parse('1'))).toBe(false)
    expect(same(parse('{"a":1,"b":2}'), parse('{"b":2,"a":1}'))).toBe(true)
  })
})

describe('a merge patch', () => {
  it('makes the one of the other', () => {
    const [before, after] = [
      { a: 1, b: { c: 2, d: [1] } },
      { a: 1, b: { d: [2], e: 'x' } },
    ]
    const patch = mergePatch(before, after)
    expect(patch).toEqual({ b: { c: null, d: [2], e: 'x' } })
    expect(merged(before, patch)).toEqual(after)
  })
})

it('lays a given payload over an own one as a fire does', () => {
  expect(laidOver({ a: 1, b: 2 }, { b: null, c: null })).toEqual({ a: 1, c: null })
  expect(laidOver(undefined, { a: null })).toEqual({ a: null })
})

it('leaves a stored length as it is', () => {
  for (const stored of ['PT90S', 'PT1H30M', 'PT15M', 'P1D', 'PT2H']) {
    expect(spoken(lengthOf(stored) ?? { count: '', unit: 's' })).toBe(stored)
  }
  expect(spoken({ count: '1.5', unit: 'min' })).toBe(90)
})

it('marks the lines that are new', () => {
  expect([...changedLines('a\nb\nc\nd', 'a\nx\nb\nd')]).toEqual([1])
})

describe('a conflict', () => {
  const base = { name: 'a', type: 'scheduled', interval: 30, labels: ['x'] }
  const theirs = { ...base, interval: 60, description: 'theirs' }
  const mine = { name: 'b', type: 'scheduled', cron: '@daily', labels: ['x'] }

  it('says who changed which row', () => {
    expect(conflicts(base, theirs, mine).map(({ row, by }) => [row.key, by])).toEqual([
      ['name', 'mine'],
      ['description', 'theirs'],
      ['schedule', 'both'],
    ])
  })

  it('is resolved row by row: a schedule is one choice', () => {
    expect(resolved(theirs, mine, new Set(['name', 'schedule']))).toEqual({
      name: 'b',
      type: 'scheduled',
      cron: '@daily',
      labels: ['x'],
      description: 'theirs',
    })
  })
})
