import { lazy } from 'react'
import type { EventFilter } from '../../api/events'
import { Icon } from '../../parts/Icon'
import { Opens } from '../../parts/Opens'
import '../../parts/Picker.css'
import { words } from './text'

const load = () => import('./ExportList')
const ExportList = lazy(load)

/** Just this filter as a file. */
export function ExportMenu({ filter }: { filter: EventFilter }) {
  const content = (
    <>
      {words.export.label} <Icon name="down" size={12} />
    </>
  )
  return (
    <Opens
      popup="menu"
      className="button"
      load={load}
      part={<ExportList filter={filter}>{content}</ExportList>}
    >
      {content}
    </Opens>
  )
}
