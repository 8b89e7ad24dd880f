import { describe, expect, it } from 'vitest'
import { countable, isObject, parseExact, same } from './exact'

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

  it('are plain where they are counted with, and exact in what is only handed on', () => {
    const text = '{"interval":30.0,"misfire":{"max_age":60.0},"jitter":null,"payload":{"n":1.50}}'
    const trigger = countable(parseExact<Record<string, unknown>>(text))
    expect(trigger).toMatchObject({ interval: 30, misfire: { max_age: 60 }, jitter: null })
    expect(JSON.stringify(trigger.payload)).toBe('{"n":1.50}')
  })
})
