import { type InfiniteData, useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { newKey, type Page } from '../../api/client'
import type { EventDetail, EventRow } from '../../api/events'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { readLogged } from '../../api/waited'
import { replay } from '../../api/writes'
import { Button } from '../../parts/Button'
import { outcome } from '../../parts/outcomeText'
import { Failed } from '../../parts/States'
import { tell } from '../../parts/Toast'
import { words } from './text'

interface Props {
  event: EventDetail
  to: (id: string) => string
  onReplayed: (id: string) => void
}

/** Fires an event again, waits until that is logged, and leads there. */
export function ReplayOne({ event, to, onReplayed }: Props) {
  const [key, setKey] = useState(newKey)
  const asking = useMutation({
    mutationFn: () => replay(event.id, key),
    onSuccess: () => setKey(newKey()),
    // A key that was refused for good is not to be met again by a payload that passes by then.
    onError: (error) => !asApiError(error).isAway && setKey(newKey()),
  })
  // Apart from the asking: what was accepted is only looked for again, and never fired again.
  const looking = useMutation({
    mutationFn: async (id: string) => {
      const found = await readLogged(id)
      queries.setQueryData(['/events', id], found)
      await addReplay(event.id, found)
    },
  })

  // What is passed to `mutate` is left undone once this is no longer in sight: nobody is led away.
  function look(id: string): void {
    looking.mutate(id, {
      onSuccess: () => {
        tell(words.replay.done, event.trigger_name)
        onReplayed(id)
      },
    })
  }
  function start(): void {
    looking.reset()
    asking.mutate(undefined, { onSuccess: look })
  }

  const { replay: said } = words
  const isBusy = asking.isPending || looking.isPending
  const failure = looking.error && asApiError(looking.error)
  return (
    <div className="event-replay">
      <p className="event-line">
        <Button
          kind="primary"
          disabled={event.status === 'rejected'}
          isBusy={isBusy}
          onClick={start}
        >
          {said.one}
        </Button>
        <span className="quiet" role="status">
          {isBusy ? outcome.waiting : said.hint[event.status]}
        </span>
      </p>
      {asking.isError ? <Failed error={asking.error} onRetry={start} /> : null}
      {failure && asking.data ? (
        <div role="status">
          <p>{failure.status === 404 ? outcome.notYet : said.notRead(failure.detail)}</p>
          <p className="event-line">
            <Link href={to(asking.data)}>{outcome.show}</Link>
            <Button onClick={() => asking.data && look(asking.data)}>{outcome.look}</Button>
          </p>
        </div>
      ) : null}
    </div>
  )
}

/** Into the list of an event's replays: to ask for that again may be answered from a second ago. */
async function addReplay(of: string, found: EventDetail): Promise<void> {
  const queryKey = ['/events/', { replay_of: of, limit: 100 }]
  await queries.cancelQueries({ queryKey })
  const { payload: _, ...row } = found
  // Not read yet: whoever shows it asks.
  queries.setQueryData<InfiniteData<Page<EventRow>>>(
    queryKey,
    (list) =>
      list && {
        ...list,
        pages: list.pages.map((page, place) =>
          place > 0 ? page : { ...page, rows: [row as EventRow, ...page.rows] },
        ),
      },
  )
}
