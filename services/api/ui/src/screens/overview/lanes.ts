/** Where occurrences stand on lanes of time: pure. */
import type { Schemas } from '../../api/client'

type Occurrence = Schemas['Occurrence']

export interface Mark {
  key: string
  /** From 0, now, to 1, the end of the lanes. */
  at: number
  scheduledFor: string
}

/** Those of a trigger's occurrences that lie between now and the end. */
export function marks(occurrences: readonly Occurrence[], from: number, until: number): Mark[] {
  return occurrences.flatMap(({ scheduled_for }) => {
    const at = (Date.parse(scheduled_for) - from) / (until - from)
    return at >= 0 && at <= 1 ? [{ key: scheduled_for, at, scheduledFor: scheduled_for }] : []
  })
}

/** Even steps of an axis: about five of them, in sizes that clocks have. */
export function ticks(from: number, until: number): number[] {
  const sizes = [60, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400]
  const size = (sizes.find((each) => (until - from) / 1000 / each <= 6) ?? 86_400) * 1000
  const found: number[] = []
  for (let at = Math.ceil(from / size) * size; at <= until; at += size) found.push(at)
  return found
}
