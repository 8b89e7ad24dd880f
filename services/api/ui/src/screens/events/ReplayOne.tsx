import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { newKey } from '../../api/client'
import { type EventDetail, readEvent } from '../../api/events'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { replay } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Failed } from '../../parts/States'
import { tell } from '../../parts/Toast'
import { words } from './text'

interface Props {
  event: EventDetail
  onReplayed: (id: string) => void
}

/** Fires an event again, waits until that is logged, and leads there. */
export function ReplayOne({ event, onReplayed }: Props) {
  const [key, setKey] = useState(newKey)
  const replaying = useMutation({
    mutationFn: async () => {
      const id = await replay(event.id, key)
      const made = await readEvent(id, '10s')
      queries.setQueryData(['/events', id], made)
      return id
    },
    onSuccess: (id) => {
      setKey(newKey())
      void queries.invalidateQueries({
        queryKey: ['/events/', { replay_of: event.id, limit: 100 }],
      })
      tell(words.replay.done, event.trigger_name)
      onReplayed(id)
    },
    // A key that was refused for good is not to be met again by a payload that passes by then.
    onError: (error) => !asApiError(error).isAway && setKey(newKey()),
  })
  const { replay: said } = words
  return (
    <div className="event-replay">
      <p className="event-line">
        <Button
          kind="primary"
          disabled={event.status === 'rejected'}
          isBusy={replaying.isPending}
          onClick={() => replaying.mutate()}
        >
          {said.one}
        </Button>
        <span className="quiet" role="status">
          {replaying.isPending ? said.waiting : said.hint[event.status]}
        </span>
      </p>
      {replaying.isError ? (
        <Failed error={replaying.error} onRetry={() => replaying.mutate()} />
      ) : null}
    </div>
  )
}
