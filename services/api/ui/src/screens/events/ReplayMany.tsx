import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import { newKey } from '../../api/client'
import type { EventFilter } from '../../api/events'
import { countReplays, replayAll } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Failed } from '../../parts/States'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { Instant } from '../../time/Instant'
import { reasonOf } from './codes'
import { endOf } from './endOf'
import { words } from './text'

interface Props {
  filter: EventFilter
  onClose: () => void
}

const { replay: said } = words

/** Counts what a replay of all that is shown would do, does it, and leads to the new events. */
export function ReplayMany({ filter, onClose }: Props) {
  const [, go] = useLocation()
  // What is counted is what is replayed: what comes in meanwhile is not meant.
  const [{ to, key }] = useState(() => ({ to: endOf(filter), key: newKey() }))
  const meant = { ...filter, to }
  const counted = useQuery({
    queryKey: ['/events/replay', meant, key],
    queryFn: () => countReplays(meant),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const replaying = useMutation({ mutationFn: () => replayAll(meant, key) })

  const lead = () => {
    onClose()
    go(`/events?source=replay&from=${to}`)
  }

  const done = replaying.data
  const can = counted.data?.replayable ?? 0
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={said.title}
      actions={
        done ? (
          <>
            <Button onClick={onClose}>{said.close}</Button>
            {done.replayed > 0 ? (
              <Button kind="primary" onClick={lead}>
                {said.to}
              </Button>
            ) : null}
          </>
        ) : (
          <>
            <Button onClick={onClose}>{said.cancel}</Button>
            <Button
              kind="primary"
              disabled={can === 0}
              isBusy={replaying.isPending}
              onClick={() => replaying.mutate()}
            >
              {said.go(can)}
            </Button>
          </>
        )
      }
    >
      <div className="log-replay" aria-live="polite">
        {done ? (
          <Told title={said.did(done.replayed)} refused={done.refused} />
        ) : counted.data ? (
          <Told
            title={can > 0 ? said.can(can) : said.none}
            about={said.what(counted.data.count)}
            refused={counted.data.refused}
          />
        ) : isInTrouble(counted) ? (
          <Trouble query={counted} />
        ) : (
          <p>{said.counting}</p>
        )}
        {replaying.isError ? (
          <Failed error={replaying.error} onRetry={() => replaying.mutate()} />
        ) : null}
      </div>
      {done ? null : (
        <p className="quiet">
          {said.upTo} <Instant at={to} precise />. {said.upToHint}
        </p>
      )}
    </Dialog>
  )
}

interface ToldProps {
  title: string
  about?: ReactNode
  refused: Readonly<Record<string, number>>
}

function Told({ title, about, refused }: ToldProps) {
  const codes = Object.entries(refused)
  return (
    <>
      {about ? <p>{about}</p> : null}
      <p className="log-replay-sum">{title}</p>
      {codes.length > 0 ? (
        <ul className="log-replay-codes">
          {codes.map(([code, value]) => (
            <li key={code}>
              {said.refused(value)}: {reasonOf(code)} <code className="quiet">{code}</code>
            </li>
          ))}
        </ul>
      ) : null}
    </>
  )
}
