import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { newKey } from '../../api/client'
import { redeliver } from '../../api/events'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { Button } from '../../parts/Button'
import { Refusal } from '../../parts/Refusal'
import { tell } from '../../parts/Toast'
import { TargetPicker } from '../targets/TargetPicker'
import { words } from './text'

/** As many as a request may name. */
const MOST = 8
const said = words.delivery

/** Delivers an event to targets that its trigger did not name, or names only now. */
export function Elsewhere({ id }: { id: string }) {
  const [targets, choose] = useState<readonly string[]>([])
  // One key for one intention: sent again after no answer, it is done once.
  const [key, setKey] = useState(newKey)
  const asking = useMutation({
    mutationFn: () => redeliver(id, targets, key),
    onSuccess: () => {
      setKey(newKey())
      choose([])
      tell(said.sent(targets.length))
      void queries.invalidateQueries({ queryKey: ['/events', id] })
    },
    onError: (error) => !asApiError(error).isAway && setKey(newKey()),
  })
  return (
    <div className="delivery-elsewhere">
      <TargetPicker
        label={said.elsewhere}
        none={said.elsewhere}
        ids={targets}
        most={MOST}
        onChange={(ids) => {
          // To others is another wish.
          setKey(newKey())
          asking.reset()
          choose(ids)
        }}
      />
      <Button
        disabled={targets.length === 0}
        isBusy={asking.isPending}
        onClick={() => asking.mutate()}
      >
        {said.send}
      </Button>
      {asking.isError ? (
        <div className="delivery-refused">
          <Refusal error={asking.error} lead={said.notRedelivered} />
        </div>
      ) : null}
    </div>
  )
}
