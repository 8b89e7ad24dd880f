/** A length as it is stored, in words: `15 s`, `2 min`; other ISO 8601 as it was written. Pure. */
import { lengthOf } from '../edit/length'

export function lengthText(stored: number | string | null): string {
  const length = lengthOf(stored)
  if (length === null) return ''
  return length.unit === 'iso' ? length.count : `${length.count} ${length.unit}`
}
