import { describe, expect, it } from 'vitest'
import type { EventRow } from '../../api/events'
import type { Version } from '../../api/triggers'
import type { DeadLetter } from './deadLetters'
import { eventFilter, KINDS, story } from './story'

const event = (id: string, at: string, more: Partial<EventRow> = {}) =>
  ({ id, logged_at: at, status: 'fired', is_test: false, lateness: 0, ...more }) as EventRow
const version = (number: number, at: string) =>
  ({ version: number, at, kind: 'updated' }) as unknown as Version
const letter = (id: string, at: string) => ({ id, dead_at: at }) as DeadLetter

describe('the story of a trigger', () => {
  it('has events, edits and dead letters in one order, each edit with what was before it', () => {
    const told = story(
      [event('b', '2026-11-30T12:00:03Z'), event('a', '2026-11-30T12:00:00Z')],
      false,
      [version(2, '2026-11-30T12:00:01Z'), version(1, '2026-11-29T12:00:00Z')],
      [letter('dead', '2026-11-30T12:00:02Z')],
      KINDS,
    )
    expect(told.map((entry) => entry.key)).toEqual([
      'b',
      'dead',
      'version 2 updated',
      'a',
      'version 1 updated',
    ])
    expect(told[2]?.kind === 'edit' && told[2].before?.version).toBe(1)
  })

  it('tells nothing that is older than events which are not read yet', () => {
    const told = story(
      [event('a', '2026-11-30T12:00:00Z')],
      true,
      [version(1, '2026-11-29T12:00:00Z')],
      [],
      KINDS,
    )
    expect(told.map((entry) => entry.key)).toEqual(['a'])
  })

  it('asks the server for what is wanted, so that three missed ones are found among thousands', () => {
    expect(eventFilter('t', ['missed', 'rejected', 'edit'])).toEqual({
      trigger_id: ['t'],
      is_test: false,
      status: ['missed', 'rejected'],
    })
    expect(eventFilter('t', ['test'])).toEqual({ trigger_id: ['t'], is_test: true })
    expect(eventFilter('t', ['edit', 'dead'])).toBeNull()
    expect(eventFilter('t', KINDS)).toEqual({ trigger_id: ['t'] })
  })
})
