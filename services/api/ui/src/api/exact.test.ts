import { describe, expect, it } from 'vitest'
import { isObject, parseExact, same } from './exact'

// The project's own Node can; one of the machine that is older shows numbers as doubles have them.
describe.runIf('rawJSON' in JSON)('numbers of JSON', () => {
  it('are written again as they were', () => {
    const text = '{"n":12345678901234567890,"a":[0.1,5e-324,-0.0,1.50],"t":"1.50"}'
    expect(JSON.stringify(parseExact(text))).toBe(text)
  })

  it('are told apart where doubles are alike, and are no objects', () => {
    const [a, b, c] = parseExact<unknown[]>(
      '[9007199254740993, 9007199254740992, 9007199254740993]',
    )
    expect([same(a, b), same(a, c)]).toEqual([false, true])
    expect(isObject(a)).toBe(false)
  })
})
