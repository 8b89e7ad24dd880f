import { useEffect } from 'react'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import type { Trigger } from '../../api/triggers'
import { Change } from './Change'
import { asking } from './dialogText'
import { usePatch } from './usePatch'

const words = asking.pause

/** Ends a schedule with its next fire: the platform takes no end that is earlier. */
export function EndIt({ trigger, onDone }: { trigger: Trigger; onDone: () => void }) {
  const { id, name, next_fire_at } = trigger
  const change = usePatch(trigger, { ends_at: next_fire_at }, words.ended(name), onDone)
  const isPast = asApiError(change.dry.error ?? change.error).code === 'schedule-in-past'
  useEffect(() => {
    // It fired while one was reading: its next fire is another one now.
    if (isPast) void queries.refetchQueries({ queryKey: ['/triggers', id], exact: true })
  }, [isPast, id])
  return (
    <>
      <p>{words.endLead}</p>
      <Change change={change} button={words.endButton(name)} none={words.noneStill} />
    </>
  )
}
