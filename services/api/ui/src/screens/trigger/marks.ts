/** The time axis of a trigger: what is on it, how far it reaches, and where each mark stands: pure. */
import type { EventRow } from '../../api/events'
import type { Occurrence } from '../../api/schedules'
import { type Result, resultOf } from '../../parts/Tag'

export type Mark =
  | { kind: Result; key: string; at: number; from: number; row: EventRow }
  | { kind: 'due'; key: string; at: number; from: number; occurrence: Occurrence }

/** How far the axis reaches to either side, and the distance of its ticks, in seconds. */
const REACHES = [
  [15, 5],
  [30, 10],
  [60, 20],
  [120, 60],
  [300, 120],
  [600, 300],
  [1_800, 900],
  [3_600, 1_800],
  [7_200, 3_600],
  [21_600, 7_200],
  [43_200, 14_400],
  [86_400, 28_800],
  [2 * 86_400, 86_400],
  [7 * 86_400, 2 * 86_400],
  [14 * 86_400, 7 * 86_400],
  [30 * 86_400, 10 * 86_400],
  [90 * 86_400, 30 * 86_400],
  [365 * 86_400, 120 * 86_400],
  [3 * 365 * 86_400, 365 * 86_400],
  [10 * 365 * 86_400, 5 * 365 * 86_400],
] as const

const AHEAD = 6
const BEHIND = 8

export interface Scale {
  reach: number
  step: number
}

/** Wide enough for the next few occurrences; without any, for the last few events. */
export function scaleFor(marks: readonly Mark[], now: number): Scale {
  const ahead = marks.filter((mark) => mark.kind === 'due' && mark.at > now).slice(0, AHEAD)
  const first = ahead[0]
  const last = ahead.at(-1)
  const behind = marks.filter((mark) => mark.kind !== 'due').slice(-BEHIND)[0]
  // Measured between occurrences, which stays; the way to the last of them shrinks each second.
  const needed =
    first && last
      ? Math.max(first.at - now, last.at - first.at)
      : behind
        ? now - Math.min(behind.at, behind.from)
        : 0
  const [reach, step] = REACHES.find(([each]) => each * 1000 >= needed) ?? REACHES[19]
  return { reach, step }
}

/** From 0 (as far back as the axis reaches) to 1; *now* is at a half. */
export function place(at: number, now: number, scale: Scale): number {
  return 0.5 + (at - now) / 1000 / scale.reach / 2
}

export function ticks({ reach, step }: Scale): number[] {
  const beside = Array.from({ length: Math.floor(reach / step) }, (_, index) => (index + 1) * step)
  return [...beside.map((each) => -each).reverse(), ...beside]
}

/** Events where they fired, missed ones where they should have; then what is to come. */
export function marksOf(rows: readonly EventRow[], next: readonly Occurrence[]): Mark[] {
  const past = rows.map((row): Mark => {
    const due = row.scheduled_for ? Date.parse(row.scheduled_for) : null
    const last = row.last_scheduled_for ? Date.parse(row.last_scheduled_for) : due
    const happened = Date.parse(row.fired_at ?? row.logged_at)
    const at = row.status === 'missed' && last !== null ? last : happened
    return { kind: resultOf(row), key: row.id, at, from: due ?? at, row }
  })
  const fired = new Set(
    rows.filter((row) => !row.is_test && row.scheduled_for).map((row) => due(row.scheduled_for)),
  )
  const future = next
    .filter((occurrence) => !fired.has(due(occurrence.scheduled_for)))
    .map((occurrence): Mark => {
      const at = Date.parse(occurrence.scheduled_for)
      return { kind: 'due', key: occurrence.scheduled_for, at, from: at, occurrence }
    })
  return [...past, ...future].sort((a, b) => a.at - b.at)
}

const due = (at: string | null): number => Date.parse(at ?? '')
