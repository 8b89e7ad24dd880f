/** Why a text is no JSON, wherever somebody types some: pure. */

export interface JsonFault {
  message: string
  /** The character, where the browser says which. */
  at: number | null
}

/** Null where it is JSON, and where nothing is typed: that is no fault. */
export function jsonFault(text: string): JsonFault | null {
  if (text.trim() === '') return null
  try {
    JSON.parse(text)
    return null
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    const at = placeOf(said, text)
    const why = said.replace(/^JSON(\.parse| Parse error): /, '').replace(PLACE, '')
    return { message: `This is not JSON: ${why}${at === null ? '' : lineOf(text, at)}`, at }
  }
}

/** Browsers count characters, lines or both, and say so at the end. */
const PLACE =
  /( in JSON)? at (position (\d+)( \(line \d+ column \d+\))?|line (\d+) column (\d+)( of the JSON data)?)$/

function placeOf(said: string, text: string): number | null {
  const [, , , position, , line, column] = said.match(PLACE) ?? []
  if (position !== undefined) return Number(position)
  if (line !== undefined) {
    const before = text.split('\n').slice(0, Number(line) - 1)
    return before.reduce((sum, each) => sum + each.length + 1, Number(column) - 1)
  }
  // Of a text that is cut off none of them says where that is.
  return /end of JSON|EOF/.test(said) ? text.length : null
}

function lineOf(text: string, at: number): string {
  const before = text.slice(0, at).split('\n')
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`
}
