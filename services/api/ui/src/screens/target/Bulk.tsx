import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { newKey } from '../../api/client'
import { queries } from '../../api/queries'
import { type BulkVerb, countDeliveries, forDeliveries, type Target } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Refusal } from '../../parts/Refusal'
import { Skeleton } from '../../parts/Skeleton'
import { tell } from '../../parts/Toast'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { serverNow } from '../../time/clock'
import { nameOf } from '../targets/place'
import { words } from './text'

interface Props {
  target: Target
  verb: BulkVerb
  onClose: () => void
}

/** Counts the deliveries that are meant, and only then does it to all of them. */
export function Bulk({ target, verb, onClose }: Props) {
  const said = words.bulk[verb]
  // What is counted is what is done: what comes in meanwhile is not meant.
  const [{ to, key }] = useState(() => ({
    to: new Date(serverNow()).toISOString(),
    key: newKey(),
  }))
  const filter = {
    target_id: target.id,
    state: verb === 'cancel' ? ['pending' as const] : ['dead' as const, 'blocked' as const],
    to,
  }
  const counted = useQuery({
    queryKey: ['/deliveries', verb, filter],
    queryFn: () => countDeliveries(verb, filter),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  const run = useMutation({
    mutationFn: () => forDeliveries(verb, filter, key),
    onSuccess: ({ accepted }) => {
      tell(said.done(accepted))
      onClose()
      void queries.invalidateQueries({ queryKey: ['/targets', target.id] })
    },
  })
  const count = counted.data?.count ?? 0
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={said.title(nameOf(target))}
      actions={
        <>
          <Button onClick={onClose}>{words.bulk.close}</Button>
          <Button
            kind={verb === 'cancel' ? 'danger' : 'primary'}
            disabled={count === 0}
            isBusy={run.isPending}
            onClick={() => run.mutate()}
          >
            {said.button(count)}
          </Button>
        </>
      }
    >
      <p>{said.told}</p>
      {counted.data ? (
        <p role="status">{count === 0 ? said.none : said.count(count)}</p>
      ) : isInTrouble(counted) ? (
        <Trouble query={counted} />
      ) : (
        <Skeleton rows={1} height={20} />
      )}
      {run.isError ? <Refusal error={run.error} lead={words.bulk.failed} /> : null}
    </Dialog>
  )
}
