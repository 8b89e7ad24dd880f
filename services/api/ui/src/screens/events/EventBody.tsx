import type { useEvent } from '../../api/events'
import { asApiError } from '../../api/problem'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { EventFacts } from './EventFacts'
import { NotThere } from './NotThere'

interface Props {
  id: string
  event: ReturnType<typeof useEvent>
  to: (id: string) => string
  onReplayed: (id: string) => void
}

/** An event in the drawer or on its own page, whatever became of it while one looks at it. */
export function EventBody({ id, event, to, onReplayed }: Props) {
  // What is erased is not shown any more, though it was read.
  const isGone = [404, 410].includes(asApiError(event.error).status)
  if (event.data && !isGone) {
    return (
      <>
        <Trouble query={event} />
        <EventFacts event={event.data} to={to} onReplayed={onReplayed} />
      </>
    )
  }
  return isInTrouble(event) ? <NotThere id={id} query={event} /> : <Skeleton rows={8} />
}
