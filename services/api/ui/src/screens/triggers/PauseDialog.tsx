import { useState } from 'react'
import { useTrigger } from '../../api/trigger'
import type { Trigger } from '../../api/triggers'
import { Button, ButtonLink } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Segments } from '../../parts/Segments'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import './Dialogs.css'
import { asking } from './dialogText'
import { EndIt } from './EndIt'
import { SkipDates } from './SkipDates'

interface Props {
  trigger: Pick<Trigger, 'id' | 'name'>
  onClose: () => void
  /** Deleting asks in a dialog of its own. */
  onDelete: () => void
}

const words = asking.pause
const WAYS = ['skip', 'end', 'delete'] as const
type Way = (typeof WAYS)[number]

/** Who looks for a pause learns why there is none, and gets what is there instead. */
export function PauseDialog({ trigger, onClose, onDelete }: Props) {
  const read = useTrigger(trigger.id)
  const [way, setWay] = useState<Way>('skip')
  const found = read.data
  const hasMore = found !== undefined && found.next_fire_at !== null && found.schedule_time === null
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={words.title(trigger.name)}
      actions={<Button onClick={onClose}>{asking.close}</Button>}
    >
      {found ? null : isInTrouble(read) ? (
        <Trouble query={read} />
      ) : (
        <Skeleton rows={6} height={28} />
      )}
      {found && !hasMore ? <OnlyDelete trigger={found} onDelete={onDelete} /> : null}
      {found && hasMore ? (
        <>
          <p>{words.why}</p>
          <Segments
            label={words.choose}
            choices={WAYS.map((value) => ({ value, label: words[value] }))}
            value={way}
            onChange={setWay}
          />
          {way === 'skip' ? <SkipDates trigger={found} onDone={onClose} /> : null}
          {way === 'end' ? <EndIt trigger={found} onDone={onClose} /> : null}
          {way === 'delete' ? (
            <>
              <p>{words.deleteLead}</p>
              <Delete onDelete={onDelete} />
            </>
          ) : null}
        </>
      ) : null}
    </Dialog>
  )
}

function OnlyDelete({ trigger, onDelete }: { trigger: Trigger; onDelete: () => void }) {
  const isApi = trigger.type === 'api'
  const isOver = !isApi && trigger.next_fire_at === null
  return (
    <>
      <p>{isApi ? words.api : isOver ? words.over : words.once}</p>
      <div className="triggers-ways">
        {isApi || isOver ? null : (
          <ButtonLink href={`/triggers/${trigger.id}/edit`}>{words.edit}</ButtonLink>
        )}
        <Delete onDelete={onDelete} />
      </div>
    </>
  )
}

function Delete({ onDelete }: { onDelete: () => void }) {
  return (
    <div>
      <Button kind="danger" onClick={onDelete}>
        {words.deleteButton}
      </Button>
    </div>
  )
}
