import { afterEach, expect, test, vi } from 'vitest'
import { jsonFault } from './jsonFault'

afterEach(() => vi.restoreAllMocks())

test('nothing typed is no fault, and a fault says what it is, and where if that is known', () => {
  expect(jsonFault('  ')).toBeNull()
  expect(jsonFault('{"a": 1}')).toBeNull()
  expect(jsonFault('{"a": x}')?.message).toContain("'x'")
  expect(jsonFault('{"a": 1')?.at).toBe(7)
  const fault = jsonFault('{\n  "a": 1 "b": 2}')
  expect(fault?.at).toBe(11)
  expect(fault?.message).toMatch(/^This is not JSON: Expected .+ value \(line 2, column 10\)$/)
})

test('other browsers say it in other words', () => {
  for (const said of [
    "JSON.parse: expected ',' or '}' at line 2 column 8 of the JSON data",
    "JSON Parse error: expected ',' or '}' in JSON at position 9",
  ]) {
    vi.spyOn(JSON, 'parse').mockImplementation(() => {
      throw new SyntaxError(said)
    })
    expect(jsonFault('{\n"a": 1 "b"}')).toEqual({
      message: "This is not JSON: expected ',' or '}' (line 2, column 8)",
      at: 9,
    })
  }
})
