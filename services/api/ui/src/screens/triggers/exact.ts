/** JSON whose numbers stay as they were written, where the browser can: a double holds no 2^53 + 1. */

interface Raw {
  rawJSON?: (source: string) => unknown
}

const raw = (JSON as Raw).rawJSON

/** Values to be written again by ``JSON.stringify``, not to be reckoned with. */
export function parseExact(text: string): unknown {
  if (!raw) return JSON.parse(text)
  const keep = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined ? raw(context.source) : value
  return JSON.parse(text, keep)
}
