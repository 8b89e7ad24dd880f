/** "Why did it not fire?": events, edits and dead letters of a trigger in one order: pure. */
import type { EventRow } from '../../api/events'
import type { Version } from '../../api/triggers'
import { resultOf } from '../../parts/Tag'
import type { DeadLetter } from './deadLetters'

export const KINDS = ['fired', 'missed', 'rejected', 'test', 'edit', 'dead'] as const
export type Kind = (typeof KINDS)[number]

export type Entry =
  | { kind: 'event'; key: string; at: string; row: EventRow }
  | { kind: 'edit'; key: string; at: string; version: Version; before: Version | null }
  | { kind: 'dead'; key: string; at: string; letter: DeadLetter }

/** `late` is a way of having fired: it is filtered as such. */
export function kindOf(row: EventRow): Kind {
  const result = resultOf(row)
  return result === 'late' ? 'fired' : result
}

/** What the log is asked for, for the chosen kinds; `null`: for nothing. */
export function eventFilter(id: string, kinds: readonly Kind[]) {
  const statuses = (['fired', 'missed', 'rejected'] as const).filter((each) => kinds.includes(each))
  const tests = kinds.includes('test')
  if (!tests && statuses.length === 0) return null
  const filter = { trigger_id: [id] }
  if (!tests) {
    return { ...filter, is_test: false, ...(statuses.length < 3 ? { status: statuses } : {}) }
  }
  return statuses.length === 0 ? { ...filter, is_test: true } : filter
}

/**
 * The newest first. What is on a list's further pages is not known yet, so nothing older than the
 * last known event is shown before those are read: else an edit would stand above events that are
 * newer than it.
 */
export function story(
  rows: readonly EventRow[],
  hasMoreRows: boolean,
  versions: readonly Version[],
  letters: readonly DeadLetter[],
  kinds: readonly Kind[],
): Entry[] {
  const events = rows
    .filter((row) => kinds.includes(kindOf(row)))
    .map((row): Entry => ({ kind: 'event', key: row.id, at: row.logged_at, row }))
  const edits = versions.map(
    (version, index): Entry => ({
      kind: 'edit',
      key: `version ${version.version} ${version.kind}`,
      at: version.at,
      version,
      before: versions[index + 1] ?? null,
    }),
  )
  const dead = letters.map(
    (letter): Entry => ({ kind: 'dead', key: letter.id, at: letter.dead_at, letter }),
  )
  const all = [
    ...events,
    ...(kinds.includes('edit') ? edits : []),
    ...(kinds.includes('dead') ? dead : []),
  ]
  const oldest = rows.at(-1)?.logged_at
  return all
    .filter((entry) => !hasMoreRows || !oldest || Date.parse(entry.at) >= Date.parse(oldest))
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || (a.key < b.key ? 1 : -1))
}
