import { expect, test } from 'vitest'
import { askedOf, filtersOf, joinLabels, narrowing, splitLabels } from './filters'

test('labels with commas and tildes come back from the address', () => {
  const labels = ['a,b', '100%', '~1', '%2C', 'plain']
  expect(splitLabels(joinLabels(labels))).toEqual(labels)
})

test('what the address does not know is not asked for', () => {
  const filters = filtersOf(new URLSearchParams('type=odd&due=9y&attention=late,odd&sort=1'))
  expect(askedOf(filters)).toEqual({ attention: ['late'], sort: 'next_fire' })
})

test('each filter that is on is named, and the order is none', () => {
  const filters = filtersOf(new URLSearchParams('q=x&status=active&label=a,b&sort=name'))
  expect(narrowing(filters).map((one) => one.value)).toEqual([
    '“x” in the name',
    'status active',
    'label a or b',
  ])
})

test('attention is asked for over the active life of this platform, once that is known', () => {
  const filters = filtersOf(new URLSearchParams('attention=late,missed'))
  const said = (active: string | null) => narrowing(filters, active).map((one) => one.value)
  expect(said('10 s')).toEqual(['late, last 10 s or missed, last 10 s'])
  expect(said(null)).toEqual(['late or missed'])
})
