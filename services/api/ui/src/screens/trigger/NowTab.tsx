import { useState } from 'react'
import { useLocation } from 'wouter'
import type { EventRow, useEvents } from '../../api/events'
import type { Trigger } from '../../api/triggers'
import { useAlive } from '../../live/alive'
import { ButtonLink } from '../../parts/Button'
import { outcome } from '../../parts/outcomeText'
import { Skeleton } from '../../parts/Skeleton'
import { Away } from './Away'
import { Axis } from './Axis'
import { Counts } from './Counts'
import { Delivered } from './Delivered'
import { Lateness } from './Lateness'
import { marksOf } from './marks'
import { NextFires } from './NextFires'
import { OnRequest } from './OnRequest'
import { eventWay, Recent } from './Recent'
import { words } from './text'
import { useComing } from './useLoaded'
import type { Tail } from './useTail'

const SHOWN = 8
const ON_AXIS = 40
const NONE: readonly EventRow[] = []

interface Props {
  trigger: Trigger
  events: ReturnType<typeof useEvents>
  tail: Tail
}

/** Where the trigger stands: what it did lately and what it will do, with now between. */
export function NowTab({ trigger, events, tail }: Props) {
  const [, go] = useLocation()
  const next = useComing(trigger.id)
  const rows = useAlive(events.data?.pages[0]?.rows ?? NONE, 'deletes_at')
  if (!events.data) {
    return (
      <Away query={events}>
        <Skeleton rows={8} />
      </Away>
    )
  }
  const isScheduled = trigger.type === 'scheduled'
  const coming = isScheduled ? (next.data?.occurrences ?? []) : []
  return (
    <div className="now">
      <FirstFire trigger={trigger} rows={rows} />
      <Axis
        marks={marksOf(rows.slice(0, ON_AXIS), coming)}
        isWhole={!isScheduled || next.data !== undefined}
        zone={trigger.timezone}
        arrived={tail.arrived}
        onOpen={(row) => go(eventWay(row))}
      />
      <Recent rows={rows.slice(0, SHOWN)} trigger={trigger} tail={tail} />
      <div className="now-side">
        {isScheduled ? <NextFires next={next} zone={trigger.timezone} /> : null}
        {trigger.type === 'api' ? <OnRequest trigger={trigger} /> : null}
        {trigger.targets.length > 0 ? <Delivered trigger={trigger} /> : null}
        {isScheduled ? <Lateness rows={rows} zone={trigger.timezone} /> : null}
        <Counts id={trigger.id} />
      </div>
    </div>
  )
}

/** A one-time trigger that fires before one's eyes, and what to do next. Its place is there from
 * the beginning: what is read below must not move when it fires. */
function FirstFire({ trigger, rows }: { trigger: Trigger; rows: readonly EventRow[] }) {
  // The version that is awaited: an older one, of another time, may have fired.
  const [awaited] = useState(
    trigger.schedule_time && trigger.status === 'active' ? trigger.version : null,
  )
  if (awaited === null) return null
  const first = rows.find((row) => row.source === 'schedule' && row.trigger_version >= awaited)
  const isFired = first?.status === 'fired'
  const { fired, not } = words.first
  return (
    <div className={isFired ? 'first-fire is-fired' : 'first-fire'} role="status">
      <p>{first ? (isFired ? fired : not(first.status)) : words.first.awaited}</p>
      {first ? (
        <>
          <ButtonLink href={eventWay(first)}>{outcome.show}</ButtonLink>
          <ButtonLink href="/triggers/new" kind="primary">
            {words.first.own}
          </ButtonLink>
        </>
      ) : null}
    </div>
  )
}
