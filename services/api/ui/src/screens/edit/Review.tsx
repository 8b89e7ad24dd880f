import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { asApiError } from '../../api/problem'
import { readTriggersById } from '../../api/triggers'
import { BeforeAfter } from '../../parts/BeforeAfter'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { text } from '../../text'
import type { Opened } from './ahead'
import { applied } from './applied'
import { Compare } from './Compare'
import { type Changes, type Fields, scheduleChange } from './draft'
import { drySave, saveEdit } from './save'
import { words } from './text'

interface Props {
  opened: Opened
  changes: Changes
  mine: Fields
  /** Whether somebody still waits for what was stored to be applied. */
  isWanted: () => boolean
  onClose: () => void
  onRefused: (error: unknown) => void
  onStored: () => void
  onSaved: () => void
}

/** Before an edit is saved: what it would do, by the scheduler's own decision. */
export function Review(props: Props) {
  const { opened, changes, mine, onRefused } = props
  const [isSaving, setSaving] = useState(false)
  const dry = useQuery({
    queryKey: ['dry', opened.id, opened.version, changes.patch],
    queryFn: () => drySave(opened, changes, mine),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  const isRefused = dry.isError && !asApiError(dry.error).isAway

  // biome-ignore lint/correctness/useExhaustiveDependencies: told once, by the refusal itself
  useEffect(() => {
    if (isRefused) onRefused(dry.error)
  }, [isRefused])

  async function save(): Promise<void> {
    setSaving(true)
    try {
      const written = await saveEdit(opened, changes, mine)
      if (!written.done) props.onStored()
      await applied(written, opened.version, readTriggersById, props.isWanted)
      props.onSaved()
    } catch (error) {
      onRefused(error)
    }
  }

  const isScheduleKept = scheduleChange(changes.patch) === null
  return (
    <Dialog
      isOpen
      isWide
      onClose={props.onClose}
      title={words.save.title(String(mine.name))}
      actions={
        <>
          <Button onClick={props.onClose}>{words.save.back}</Button>
          <Button kind="primary" disabled={!dry.data} isBusy={isSaving} onClick={() => void save()}>
            {words.save.save}
          </Button>
        </>
      }
    >
      {dry.data ? (
        <>
          <h3>{words.save.what}</h3>
          <Compare
            sides={[
              { title: text.times.before, fields: opened.fields },
              { title: text.times.after, fields: mine },
            ]}
          />
          {mine.type === 'api' ? null : isScheduleKept ? (
            <p>{words.save.sameFires}</p>
          ) : (
            <>
              <h3>{words.save.fires}</h3>
              <p>
                {dry.data.in_words.before ?? text.times.none} →{' '}
                {dry.data.in_words.after ?? text.times.none}
              </p>
              <BeforeAfter {...dry.data.next_occurrences} zone={dry.data.timezone} />
              <p className="edit-promise">{words.save.rule}</p>
            </>
          )}
        </>
      ) : isInTrouble(dry) && !isRefused ? (
        <Trouble query={dry} />
      ) : (
        <Skeleton rows={6} height={32} />
      )}
    </Dialog>
  )
}
