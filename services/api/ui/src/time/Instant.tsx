import { useSecond } from './clock'
import { instant, isKnownZone, offset, ownZone, scheduled } from './format'
import { relative } from './relative'
import { useZone, useZoneMode } from './zone'

interface Props {
  at: string
  /** The zone of the schedule that it is of. */
  schedule?: string | null
  /** The server's word for it on the clock of that zone: what is still to happen goes by its rules. */
  local?: string | null
  /** Told on its schedule's clock: where that is not known (yet), in UTC, which is said then. */
  isOfSchedule?: boolean
  /** With milliseconds: for what happened. */
  precise?: boolean
}

/** An instant on the chosen clock; in UTC for programs and in full for who points at it. */
export function Instant(props: Props) {
  const { at, schedule = null, local = null, isOfSchedule = false, precise = false } = props
  const zone = useZone(schedule)
  const { mode } = useZoneMode()
  const ms = Date.parse(at)
  const now = useSecond() * 1000
  const full = `${at} · ${instant(ms, ownZone(), 0, true)} ${offset(ms, ownZone())} yours`
  const told = (): string => {
    if (mode !== 'schedule') return instant(ms, zone, now, precise)
    if (schedule && local) return scheduled(ms, local, schedule, now)
    const isUnknown = isOfSchedule && !(schedule && isKnownZone(schedule))
    return isUnknown ? `${instant(ms, 'UTC', now, precise)} UTC` : instant(ms, zone, now, precise)
  }
  return (
    <time className="mono" dateTime={at} title={full}>
      {told()}
    </time>
  )
}

interface RelativeProps {
  at: string
  /** Said instead of `5 s ago`, of what is still to happen: a next fire is never one ago. */
  due?: string
}

/** `in 23 s`: ticks by the server's clock. */
export function Relative({ at, due }: RelativeProps) {
  const now = useSecond() * 1000
  const then = Math.floor(Date.parse(at) / 1000) * 1000
  return (
    <time dateTime={at} title={at}>
      {due && then <= now ? due : relative(then, now)}
    </time>
  )
}
