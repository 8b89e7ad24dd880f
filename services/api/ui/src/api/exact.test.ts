import { expect, it } from 'vitest'
import { parseExact } from './exact'

// Engines that do not tell a number's text yet show it as a double has it.
it.runIf('rawJSON' in JSON)('writes numbers again as they were', () => {
  const text = '{"n":12345678901234567890,"a":[0.1,5e-324,-0.0,1.50],"t":"1.50"}'
  expect(JSON.stringify(parseExact(text))).toBe(text)
})
