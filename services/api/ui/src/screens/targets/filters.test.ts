import { expect, it } from 'vitest'
import { askedOf, filtersOf, narrowing } from './filters'

const of = (search: string) => filtersOf(new URLSearchParams(search))

it('asks for what the address says, and for nothing else', () => {
  expect(askedOf(of(''))).toEqual({})
  expect(askedOf(of('q=shop&type=nats'))).toEqual({ q: 'shop', type: ['nats'] })
  expect(askedOf(of('type=email&health=well'))).toEqual({})
  expect(askedOf(of('health=gone,ok'))).toEqual({ health: ['ok', 'gone'] })
})

it('names the filters that are on', () => {
  expect(narrowing(of(''))).toEqual([])
  expect(narrowing(of('q=shop&type=nats'))).toEqual(['“shop” in the name', 'type NATS'])
  expect(narrowing(of('health=ok,gone'))).toEqual(['health ok or wants no more'])
})
