import { beforeAll, expect, test, vi } from 'vitest'
import { curlOf, curlToFire } from './curl'

beforeAll(() => vi.stubGlobal('location', { origin: 'http://etp' }))

test('a command names no key, and quotes what it sends', () => {
  expect(curlOf('/events/1')).toBe(`curl -sS 'http://etp/events/1' -H "X-API-KEY: $KEY"`)
  expect(curlToFire('1', `{"who": "it's me"}`)).toBe(
    `curl -sS 'http://etp/triggers/1/fire' -H "X-API-KEY: $KEY" -H 'Content-Type: application/json'` +
      ` -d '{"payload": {"who": "it'\\''s me"}}'`,
  )
})

test('a body of several lines has them in the command, too', () => {
  const asked = { method: 'PATCH', headers: ['If-Match: "3"'], body: '{\n  "name": "a"\n}' }
  expect(curlOf('/triggers/1', asked).split('\n')).toEqual([
    "curl -sS -X PATCH 'http://etp/triggers/1' \\",
    '  -H "X-API-KEY: $KEY" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -H 'If-Match: "3"' \\`,
    "  -d '{",
    '  "name": "a"',
    "}'",
  ])
})
