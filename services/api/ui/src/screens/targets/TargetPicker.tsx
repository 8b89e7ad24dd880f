import { lazy } from 'react'
import { useTargetsById } from '../../api/targets'
import { Opens } from '../../parts/Opens'
import { PickerFace } from '../../parts/PickerFace'
import { nameOf } from './place'

interface Props {
  label: string
  /** Shown where none is chosen. */
  none: string
  /** Shown whatever is chosen, where that stands beside it. */
  face?: string
  /** The chosen ones, in their order. */
  ids: readonly string[]
  onChange: (ids: string[]) => void
  /** How many may be chosen; of one, another choice takes its place. */
  most: number
}

const load = () => import('./TargetList')
const TargetList = lazy(load)

/** A choice of targets by their names; loaded when it is first wanted. */
export function TargetPicker({ label, none, face, ids, onChange, most }: Props) {
  const chosen = useTargetsById(ids)
  const names = new Map(chosen.data?.map((target) => [target.id, nameOf(target)]))
  const items = ids.map((id) => ({ value: id, label: names.get(id) ?? id }))
  const shown = items.length === 0 ? none : items.map((item) => item.label).join(', ')
  const said = `${label}: ${shown}`
  const content = <PickerFace shown={face ?? shown} />
  return (
    <Opens
      popup="dialog"
      className="button picker"
      label={said}
      load={load}
      part={
        <TargetList label={label} said={said} items={items} most={most} onChange={onChange}>
          {content}
        </TargetList>
      }
    >
      {content}
    </Opens>
  )
}
