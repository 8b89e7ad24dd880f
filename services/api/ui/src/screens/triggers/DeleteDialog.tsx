import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import type { DryRun, Trigger } from '../../api/triggers'
import { dryRemove, remove } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Refusal } from '../../parts/Refusal'
import { Skeleton } from '../../parts/Skeleton'
import { Times } from '../../parts/Times'
import { tell } from '../../parts/Toast'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { text } from '../../text'
import './Dialogs.css'
import { asking } from './dialogText'

interface Props {
  trigger: Pick<Trigger, 'id' | 'name'>
  onClose: () => void
  /** After it: a list drops the row, a page leads away. */
  onDeleted?: () => void
}

const words = asking.delete

/** Asks before a trigger is deleted, and says what will not happen any more. */
export function DeleteDialog({ trigger, onClose, onDeleted }: Props) {
  const { id } = trigger
  const [, go] = useLocation()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [editedTo, setEditedTo] = useState<number | null>(null)
  const dry = useQuery({
    queryKey: ['/triggers', id, 'delete', 'dry_run'],
    queryFn: () => dryRemove(id),
    staleTime: 0,
    gcTime: 0,
  })
  const name = dry.data?.name ?? trigger.name
  const isGone = [404, 410].includes(asApiError(error ?? dry.error).status)

  async function confirm(): Promise<void> {
    if (!dry.data) return
    setBusy(true)
    setError(null)
    try {
      const written = await remove(id, versionOf(dry.data))
      tell(words.done(name), written.done ? words.again : text.stored, {
        label: words.history,
        go: () => go(`/triggers/${id}?tab=history`),
      })
      onClose()
      onDeleted?.()
      void queries.invalidateQueries({ queryKey: ['/overview'] })
      await queries.invalidateQueries({ queryKey: ['/triggers/'] })
    } catch (failure) {
      const known = asApiError(failure)
      if (known.status === 412) {
        const again = await dry.refetch()
        setEditedTo(again.data ? versionOf(again.data) : known.currentVersion)
      } else setError(failure)
    } finally {
      setBusy(false)
    }
  }

  const isReady = dry.data !== undefined && !dry.isFetching && !isGone
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={words.title(name)}
      actions={
        <>
          <Button onClick={onClose}>{isGone ? asking.close : asking.cancel}</Button>
          {isGone ? null : (
            <Button kind="danger" isBusy={isBusy} disabled={!isReady} onClick={confirm}>
              <span className="clip">{words.button(name)}</span>
            </Button>
          )}
        </>
      }
    >
      {editedTo === null ? null : (
        <p className="noted" role="alert">
          {asking.editedMeanwhile(editedTo)}
        </p>
      )}
      {isGone ? (
        <p role="alert">{asking.alreadyGone}</p>
      ) : dry.data ? (
        <WhatEnds dry={dry.data} />
      ) : isInTrouble(dry) ? (
        <Trouble query={dry} />
      ) : (
        <Skeleton rows={5} height={24} />
      )}
      {error && !isGone ? <Refusal error={error} lead="It was not deleted" /> : null}
    </Dialog>
  )
}

/** The version that would be deleted: a dry run shows the one that the deletion would make. */
const versionOf = (dry: DryRun): number => dry.version - 1

function WhatEnds({ dry }: { dry: DryRun }) {
  const next = dry.next_occurrences.before.slice(0, 5)
  if (dry.type === 'api') {
    return (
      <>
        <p>{words.api}</p>
        <p className="quiet">{words.events}</p>
      </>
    )
  }
  return (
    <>
      {dry.in_words.before ? <p>{dry.in_words.before}</p> : null}
      {next.length > 0 ? (
        <>
          <p>{words.next(next.length)}</p>
          <Times list={next} zone={dry.timezone} isGone />
        </>
      ) : (
        <p>{words.nothing}</p>
      )}
      <p className="quiet">
        {words.dueNow} {words.events}
      </p>
    </>
  )
}
