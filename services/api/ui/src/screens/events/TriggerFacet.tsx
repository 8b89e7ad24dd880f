import { lazy } from 'react'
import { useTriggersById } from '../../api/triggers'
import { Opens } from '../../parts/Opens'
import { PickerFace } from '../../parts/PickerFace'
import { words } from './text'

interface Props {
  ids: readonly string[]
  onChange: (ids: string[]) => void
}

const load = () => import('./TriggerList')
const TriggerList = lazy(load)

/** Which triggers' events are shown, by their names. */
export function TriggerFacet({ ids, onChange }: Props) {
  const chosen = useTriggersById(ids)
  const names = new Map(chosen.data?.map((trigger) => [trigger.id, trigger.name]))
  const items = ids.map((id) => ({ value: id, label: names.get(id) ?? id }))
  const shown = items.length === 0 ? words.anyTrigger : items.map((item) => item.label).join(', ')
  const label = `${words.filters.trigger}: ${shown}`
  const className = items.length === 0 ? 'button picker is-any' : 'button picker'
  const content = <PickerFace label={words.filters.trigger} shown={shown} />
  return (
    <Opens
      popup="dialog"
      className={className}
      label={label}
      load={load}
      part={
        <TriggerList className={className} label={label} items={items} onChange={onChange}>
          {content}
        </TriggerList>
      }
    >
      {content}
    </Opens>
  )
}
