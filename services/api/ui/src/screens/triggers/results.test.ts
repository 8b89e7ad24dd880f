import { expect, test } from 'vitest'
import type { EventRow } from '../../api/events'
import { oddOf, remember, withLive } from './results'

const row = (id: string, second: number, status = 'fired'): EventRow =>
  ({
    id,
    trigger_id: 't',
    status,
    is_test: false,
    lateness: status === 'fired' ? 0.001 : null,
    logged_at: `2026-11-30T09:00:${String(second).padStart(2, '0')}Z`,
  }) as EventRow

const read = { trigger_id: 't', last: null, points: [] }

test('the newest of what was read and what the stream brought is last, each once', () => {
  const first = withLive(read, [row('a', 1), row('b', 3)])
  const again = withLive(first, [row('b', 3), row('c', 2, 'missed')])
  expect(again.points.map((point) => point.event_id)).toEqual(['a', 'c', 'b'])
  expect(again.last?.id).toBe('b')
  expect(oddOf(again.points)).toEqual(['1 missed'])
})

test('no more is kept of a trigger than is shown', () => {
  const live = new Map<string, EventRow[]>()
  remember(
    live,
    Array.from({ length: 60 }, (_, index) => row(`e${index}`, index)),
  )
  expect(live.get('t')).toHaveLength(24)
  expect(withLive(read, live.get('t') ?? []).last?.id).toBe('e59')
})
