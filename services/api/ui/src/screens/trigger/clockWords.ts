/** What a change of the zone's clock does to a schedule, in words: by the server's times alone. */
import type { ClockChange } from '../../api/schedules'
import { count } from '../../text'
import { wall } from '../../time/format'

const EFFECTS = {
  shifted: (times: string) => `${times} in the skipped hour fires right after it`,
  skipped: (times: string) => `${times} in the skipped hour does not fire`,
  once: (times: string) => `${times} in the repeated hour fires the first time alone`,
  doubled: (times: string) => `${times} in the repeated hour fires both times`,
} as const

const clock = (local: string): string => local.slice(11, 16)

export function clockWords(change: ClockChange): string {
  const { local_before: before, local_after: after } = change
  const day = wall(before).replace(/ \d\d:\d\d:\d\d$/, '')
  const way = after > before ? 'forward' : 'back'
  const times = change.matched > 1 ? `each of ${count(change.matched, 'time')}` : 'a time'
  return `${day}: the clock goes ${way} from ${clock(before)} to ${clock(after)}; ${EFFECTS[change.effect](times)}.`
}
