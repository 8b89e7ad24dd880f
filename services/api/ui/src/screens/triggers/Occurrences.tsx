import type { Schemas } from '../../api/client'
import { wall } from '../../time/format'
import { Instant, Relative } from '../../time/Instant'
import { useZoneMode } from '../../time/zone'
import './Dialogs.css'

type Occurrence = Schemas['Occurrence']

const CLOCKS: Record<string, string> = {
  shifted: 'right after the clock goes forward',
  doubled: 'the clock shows this time twice',
}

/** Instants to come, one a line; on the schedule's clock as the server says them. */
export function Occurrences(props: {
  occurrences: readonly Occurrence[]
  timezone: string
  isGone?: boolean
}) {
  const { occurrences, timezone, isGone } = props
  const { mode } = useZoneMode()
  return (
    <ol className={isGone ? 'occurrences is-gone' : 'occurrences'}>
      {occurrences.map((one) => (
        <li key={one.scheduled_for}>
          {mode === 'schedule' ? (
            <time className="mono" dateTime={one.scheduled_for}>
              {wall(one.local, true)}
            </time>
          ) : (
            <Instant at={one.scheduled_for} schedule={timezone} />
          )}
          <span className="quiet">
            <Relative at={one.scheduled_for} />
            {one.dst ? `, ${CLOCKS[one.dst] ?? one.dst}` : ''}
          </span>
        </li>
      ))}
    </ol>
  )
}
