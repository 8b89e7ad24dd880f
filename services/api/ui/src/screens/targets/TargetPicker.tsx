import { lazy } from 'react'
import { useTargetsById } from '../../api/targets'
import { Opens } from '../../parts/Opens'
import { PickerFace } from '../../parts/PickerFace'
import { nameOf } from './place'

interface Props {
  label: string
  /** Shown where none is chosen. */
  none: string
  /** Said before what is chosen, as a filter does: `Target: any`. */
  isLabelShown?: boolean
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
export function TargetPicker(props: Props) {
  const { label, none, face, ids, onChange, most, isLabelShown = false } = props
  const chosen = useTargetsById(ids)
  const names = new Map(chosen.data?.map((target) => [target.id, nameOf(target)]))
  const items = ids.map((id) => ({ value: id, label: names.get(id) ?? id }))
  const shown = items.length === 0 ? none : items.map((item) => item.label).join(', ')
  const said = `${label}: ${shown}`
  // A filter that filters nothing is its name alone where there is little room.
  const isAny = isLabelShown && items.length === 0
  const className = isAny ? 'button picker is-any' : 'button picker'
  const content = <PickerFace label={isLabelShown ? label : undefined} shown={face ?? shown} />
  return (
    <Opens
      popup="dialog"
      className={className}
      label={said}
      load={load}
      part={
        <TargetList
          className={className}
          label={label}
          said={said}
          items={items}
          most={most}
          onChange={onChange}
        >
          {content}
        </TargetList>
      }
    >
      {content}
    </Opens>
  )
}
