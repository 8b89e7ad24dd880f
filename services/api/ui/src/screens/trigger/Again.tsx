import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { newKey } from '../../api/client'
import { definitionOf } from '../../api/definition'
import { queries } from '../../api/queries'
import type { Version } from '../../api/triggers'
import { create, dryCreate } from '../../api/writes'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Skeleton } from '../../parts/Skeleton'
import { Times } from '../../parts/Times'
import { tell } from '../../parts/Toast'
import { text } from '../../text'
import { Impossible } from './Impossible'
import { Refused } from './Refused'
import { words } from './text'

interface Props {
  /** Of the deleted trigger. */
  id: string
  version: Version | null
  onClose: () => void
}

/** A deleted trigger's definition as a new trigger, after it is shown what that would do. */
export function Again({ id, version, onClose }: Props) {
  return (
    <Dialog
      isOpen={version !== null}
      onClose={onClose}
      title={version ? words.again.title(version.definition.name) : ''}
    >
      {version ? <Content id={id} version={version} onClose={onClose} /> : null}
    </Dialog>
  )
}

function Content({ id, version, onClose }: { id: string; version: Version; onClose: () => void }) {
  const [, go] = useLocation()
  const [key] = useState(newKey)
  const own = definitionOf(version.definition)
  const looked = useQuery({
    queryKey: ['/triggers', id, 'again', own],
    queryFn: ({ signal }) => dryCreate(own, signal),
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  })
  const write = useMutation({
    mutationFn: () => create(own, key),
    onSuccess: (written) => {
      void queries.invalidateQueries({ queryKey: ['/triggers/'] })
      tell(words.again.done(own.name), written.done ? undefined : text.stored)
      onClose()
      go(`/triggers/${written.value.id}`)
    },
  })

  if (looked.error) return <Impossible id={id} version={version.version} looked={looked} />
  if (!looked.data) return <Skeleton rows={4} height={28} />
  return (
    <>
      <p>{words.again.told}</p>
      <p>{looked.data.in_words.after ?? words.facts.onRequest}</p>
      {own.type === 'scheduled' ? (
        <Times list={looked.data.next_occurrences.after.slice(0, 5)} zone={looked.data.timezone} />
      ) : null}
      {write.error ? <Refused error={write.error} title={words.again.failed} /> : null}
      <div className="trigger-ways">
        <Button onClick={onClose}>{words.restore.cancel}</Button>
        <Button kind="primary" isBusy={write.isPending} onClick={() => write.mutate()}>
          {words.again.confirm}
        </Button>
      </div>
    </>
  )
}
