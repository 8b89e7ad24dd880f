/** JSON as it was written: what this page passes on, it does not round.
 *
 * A browser's numbers are doubles, while the platform keeps integers digit by digit and `1.0` apart
 * from `1`. Numbers that would be changed are kept as their text, where the browser can.
 */
import { isObject, parseExact, same } from '../../api/exact'

export { isObject, same }

export const parse = (text: string): unknown => parseExact<unknown>(text)

export const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

/** What makes `after` of `before` by RFC 7396, as far as that can say it. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (!isObject(before) || !isObject(after)) return after
  const patch: Record<string, unknown> = {}
  for (const key of Object.keys(before)) if (!(key in after)) patch[key] = null
  for (const [key, value] of Object.entries(after)) {
    if (!(key in before) || !same(before[key], value)) patch[key] = mergePatch(before[key], value)
  }
  return patch
}

/** RFC 7396. */
export function merged(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const after: Record<string, unknown> = isObject(value) ? { ...value } : {}
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete after[key]
    else after[key] = merged(after[key], change)
  }
  return after
}

/** What fires where a trigger with the payload `own` is given another one: a null takes out what is
 * there to be taken out, any other one is a value. */
export function laidOver(own: unknown, given: unknown): unknown {
  if (!isObject(own) || !isObject(given)) return given
  const after: Record<string, unknown> = { ...own }
  for (const [key, value] of Object.entries(given)) {
    if (!(key in own)) after[key] = value
    else if (value === null) delete after[key]
    else after[key] = laidOver(own[key], value)
  }
  return after
}
