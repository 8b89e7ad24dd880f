/** By which fields definitions are compared: pure. */
import { fieldText } from '../../parts/fieldText'
import { text } from '../../text'
import type { Fields } from './draft'
import { same } from './json'

export interface Row {
  key: string
  label: string
  fields: readonly string[]
}

/** Those that mean one thing are one row: a conflict chooses all of them or none. */
export const ROWS: readonly Row[] = [
  row('name'),
  row('description'),
  row('labels'),
  {
    key: 'schedule',
    label: 'Schedule',
    fields: ['type', 'schedule_time', 'interval', 'cron'],
  },
  row('timezone'),
  row('starts_at'),
  row('ends_at'),
  row('max_fires'),
  row('jitter'),
  row('exclude'),
  row('dst_policy'),
  row('misfire'),
  row('payload'),
  row('payload_schema'),
  row('targets'),
]

function row(field: keyof typeof text.field): Row {
  return { key: field, label: text.field[field], fields: [field] }
}

/** The rows in which not all are the same. */
export function rowsOf(sides: readonly Fields[], rows = ROWS): Row[] {
  const [first, ...others] = sides
  return rows.filter((row) => others.some((other) => isOther(row, first ?? {}, other)))
}

export const isOther = (row: Row, a: Fields, b: Fields): boolean =>
  row.fields.some((key) => !same(a[key], b[key]))

export function shownOf(row: Row, fields: Fields): string {
  return row.fields
    .filter((key) => key !== 'type' || fields.type === 'api')
    .map((key) => fieldText(fields[key] ?? undefined, key))
    .filter(Boolean)
    .join('\n')
}

/** The lines of `after` that are not in `before`, in order: the longest common rest stays unmarked. */
export function changedLines(before: string, after: string): Set<number> {
  const a = before.split('\n')
  const b = after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1
  let tail = 0
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  ) {
    tail += 1
  }
  const middle = { a: a.slice(head, a.length - tail), b: b.slice(head, b.length - tail) }
  const changed = new Set(middle.b.map((_, index) => head + index))
  // Beyond this a marked block says as much as a search for common lines in it.
  if (middle.a.length * middle.b.length > 250_000) return changed
  for (const index of common(middle.a, middle.b)) changed.delete(head + index)
  return changed
}

/** The places in `b` of a longest common subsequence. */
function common(a: readonly string[], b: readonly string[]): number[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const row = lengths[i] as Uint16Array
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const found: number[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      found.push(j)
      i += 1
      j += 1
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1
    else j += 1
  }
  return found
}

/** A conflict: base, theirs and mine by row. */
export interface Conflict {
  row: Row
  /** Who changed it; where both did, and not alike, somebody has to choose. */
  by: 'mine' | 'theirs' | 'both'
}

export function conflicts(base: Fields, theirs: Fields, mine: Fields, rows = ROWS): Conflict[] {
  return rows.flatMap((row): Conflict[] => {
    const isTheirs = isOther(row, base, theirs)
    const isMine = isOther(row, base, mine)
    if (!isTheirs && !isMine) return []
    if (isTheirs && isMine && !isOther(row, theirs, mine)) return []
    return [{ row, by: isTheirs && isMine ? 'both' : isMine ? 'mine' : 'theirs' }]
  })
}

/** Theirs, with the rows that were chosen of mine. */
export function resolved(
  theirs: Fields,
  mine: Fields,
  chosen: ReadonlySet<string>,
  rows = ROWS,
): Fields {
  const result: Fields = { ...theirs }
  for (const row of rows) {
    if (!chosen.has(row.key)) continue
    for (const key of row.fields) {
      if (key in mine) result[key] = mine[key]
      else delete result[key]
    }
  }
  return result
}
