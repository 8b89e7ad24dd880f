/** How far back the charts reach: pure. */
import type { StatsFilter } from '../../api/events'
import type { Lives } from '../../api/operations'
import { setTo } from '../../time/relative'

export interface Range {
  /** As the address has it: `12h`. */
  name: string
  told: string
  seconds: number
  bucket: NonNullable<StatsFilter['bucket']>
}

const HOUR = 3_600
const HALF_A_DAY = 12 * HOUR
/** As a platform is that was told nothing else: until it says so, nothing in the line moves. */
const USUAL = { active_for_s: 2 * HOUR, kept_for_s: 48 * HOUR }
/** Some 120 buckets, and no more than this. */
const MOST = 200
const WIDTHS = [
  [60, '1m'],
  [300, '5m'],
  [900, '15m'],
] as const

/** The life of active rows, half a day where it lies between, and all that is kept. */
export function rangesOf(lives: Pick<Lives, 'active_for_s' | 'kept_for_s'> = USUAL): Range[] {
  const { active_for_s: active, kept_for_s: kept } = lives
  const lengths = [active, ...(active < HALF_A_DAY && HALF_A_DAY < kept ? [HALF_A_DAY] : []), kept]
  return lengths.map((seconds) => {
    const told = setTo(seconds) ?? ''
    const bucket = WIDTHS.find(([width]) => seconds / width <= MOST)?.[1] ?? '1h'
    return { name: told.replaceAll(' ', ''), told, seconds, bucket }
  })
}

/** The one of an address, else the first. */
export function rangeOf(name: string | null, lives: Lives | undefined) {
  const ranges = rangesOf(lives)
  const range = ranges.find((each) => each.name === name) ?? (ranges[0] as Range)
  return { ranges, range }
}
