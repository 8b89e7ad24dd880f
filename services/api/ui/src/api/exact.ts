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
