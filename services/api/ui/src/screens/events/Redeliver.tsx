import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { newKey } from '../../api/client'
import { type Delivery, redeliver } from '../../api/events'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { Button } from '../../parts/Button'
import { Refusal } from '../../parts/Refusal'
import { tell } from '../../parts/Toast'
import { words } from './text'

const said = words.delivery

/** Delivers an event to one of its targets again, or now, where it waits. */
export function Redeliver({ delivery, name }: { delivery: Delivery; name: string }) {
  // One key for one intention: sent again after no answer, it is done once.
  const [key, setKey] = useState(newKey)
  const { event_id, target_id, state } = delivery
  const isPending = state === 'pending'
  const asking = useMutation({
    mutationFn: () => redeliver(event_id, [target_id], key),
    onSuccess: () => {
      setKey(newKey())
      tell(said.redelivered(name))
      void queries.invalidateQueries({ queryKey: ['/events', event_id] })
    },
    onError: (error) => !asApiError(error).isAway && setKey(newKey()),
  })
  return (
    <>
      <Button
        kind="quiet"
        isBusy={asking.isPending}
        aria-label={isPending ? said.nowTo(name) : said.againTo(name)}
        onClick={() => asking.mutate()}
      >
        {isPending ? said.now : said.again}
      </Button>
      {asking.isError ? (
        <div className="delivery-refused">
          <Refusal error={asking.error} lead={said.notRedelivered} />
        </div>
      ) : null}
    </>
  )
}
