/** JSON whose numbers come back as they were written: a double holds 15 digits of them.
 *
 * A number that would change stays what the text had; ``JSON.stringify`` writes that again.
 */
type Reviver = (
  this: unknown,
  key: string,
  value: unknown,
  context?: { source?: string },
) => unknown
interface ExactJson {
  parse(text: string, reviver: Reviver): unknown
  rawJSON?: (source: string) => unknown
}
const json = JSON as unknown as ExactJson

export function parseExact<T>(text: string): T {
  return json.parse(text, (_key, value, context) =>
    typeof value === 'number' && context?.source && String(value) !== context.source && json.rawJSON
      ? json.rawJSON(context.source)
      : value,
  ) as T
}

/** For queries: numbers that are kept as their text are no plain objects to be merged with older ones. */
export const EXACT = { structuralSharing: false } as const

const isRaw = (value: unknown): boolean =>
  (JSON as unknown as { isRawJSON?: (value: unknown) => boolean }).isRawJSON?.(value) ?? false

/** An object of JSON; a number that is kept as its text is none. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRaw(value)
}

/** Numbers of these are only handed on, and kept digit by digit; all others are counted with. */
const HANDED_ON: ReadonlySet<string> = new Set(['payload', 'payload_schema'])

/** Members of an answer as plain numbers, as far as they are no JSON of its owner's: `30.0` is 30. */
export function countable<T extends object>(answer: T): T {
  const members = Object.entries(answer).map(([name, value]) => [
    name,
    HANDED_ON.has(name) ? value : JSON.parse(JSON.stringify(value)),
  ])
  return Object.fromEntries(members) as T
}

/** The same text for the same value, whatever the order of its members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined'
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
  return `{${members.join(',')}}`
}

export const same = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)
