import { useMutation, useQuery } from '@tanstack/react-query'
import { definitionOf } from '../../api/definition'
import { EXACT } from '../../api/exact'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { readTrigger } from '../../api/trigger'
import type { Version } from '../../api/triggers'
import { dryReplace, replace } from '../../api/writes'
import { BeforeAfter } from '../../parts/BeforeAfter'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Skeleton } from '../../parts/Skeleton'
import { tell } from '../../parts/Toast'
import { text } from '../../text'
import { Changes } from './Changes'
import { diff } from './diff'
import { Impossible } from './Impossible'
import { Refused } from './Refused'
import { words } from './text'

interface Props {
  id: string
  version: Version | null
  onClose: () => void
}

/** Back to an older version, after both are shown: what would change, and when it would fire. */
export function Restore({ id, version, onClose }: Props) {
  return (
    <Dialog
      isOpen={version !== null}
      onClose={onClose}
      title={version ? words.restore.title(version.version) : ''}
      isWide
    >
      {version ? <Content id={id} version={version} onClose={onClose} /> : null}
    </Dialog>
  )
}

function Content({ id, version, onClose }: { id: string; version: Version; onClose: () => void }) {
  const definition = definitionOf(version.definition)
  // Of one moment: what is shown is what `If-Match` holds the write to.
  const looked = useQuery({
    queryKey: ['/triggers', id, 'restore', version.version],
    queryFn: async ({ signal }) => {
      const trigger = await readTrigger(id, signal)
      return { trigger, would: await dryReplace(id, definition) }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
    ...EXACT,
  })
  const write = useMutation({
    mutationFn: () => replace(id, definition, looked.data?.trigger.version ?? null),
    onSuccess: (written) => {
      void queries.invalidateQueries({ queryKey: ['/triggers', id] })
      tell(words.restore.done(version.version), written.done ? undefined : text.stored)
      onClose()
    },
  })
  const conflict = write.error ? asApiError(write.error) : null
  const isConflict = conflict?.status === 412

  if (looked.error) return <Impossible id={id} version={version.version} looked={looked} />
  if (!looked.data) return <Skeleton rows={6} height={28} />
  const { trigger, would } = looked.data
  const changes = diff(trigger, version.definition)
  return (
    <>
      <h3>{words.restore.fields}</h3>
      {changes.length === 0 ? (
        <p>{words.restore.same}</p>
      ) : (
        <Changes
          changes={changes}
          label={words.restore.fields}
          before={words.restore.before}
          after={words.restore.after}
        />
      )}
      {trigger.type === 'scheduled' ? (
        <>
          <h3>{words.restore.fires}</h3>
          <p>{would.in_words.after}</p>
          <BeforeAfter
            {...would.next_occurrences}
            zone={would.timezone}
            titles={[words.restore.before, words.restore.after]}
            shown={5}
          />
          <p className="quiet">{words.restore.nothingDropped}</p>
        </>
      ) : null}
      {isConflict ? (
        <div className="conflict" role="alert">
          <p>{words.restore.edited(conflict?.currentVersion ?? trigger.version + 1)}</p>
        </div>
      ) : null}
      {write.error && !isConflict ? (
        <Refused error={write.error} title={words.restore.failed} />
      ) : null}
      <div className="trigger-ways">
        <Button onClick={onClose}>{words.restore.cancel}</Button>
        {isConflict ? (
          <Button
            kind="primary"
            onClick={() => {
              write.reset()
              void queries.invalidateQueries({ queryKey: ['/triggers', id] })
            }}
          >
            {words.restore.again}
          </Button>
        ) : (
          <Button
            kind="primary"
            disabled={changes.length === 0}
            isBusy={write.isPending}
            onClick={() => write.mutate()}
          >
            {words.restore.confirm(version.version)}
          </Button>
        )}
      </div>
    </>
  )
}
