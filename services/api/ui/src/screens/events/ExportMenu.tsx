import { Menu } from '@base-ui/react/menu'
import type { EventFilter } from '../../api/events'
import '../../parts/Picker.css'
import { Icon } from '../../parts/Icon'
import { words } from './text'
import { toSearch } from './view'

const FORMATS = ['ndjson', 'csv'] as const

/** Just this filter as a file: a plain download, so that no length of it is too much. */
export function ExportMenu({ filter }: { filter: EventFilter }) {
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="button">
        {words.export.label} <Icon name="down" size={12} />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner className="popup-place" sideOffset={4} align="end">
          <Menu.Popup className="popup">
            {FORMATS.map((format) => (
              <Menu.LinkItem
                key={format}
                className="popup-item popup-way"
                href={exportOf(filter, format)}
                download
                closeOnClick
              >
                {words.export[format]}
              </Menu.LinkItem>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

export const exportOf = (filter: object, format: (typeof FORMATS)[number]): string =>
  `/events/export?${toSearch({ ...filter, format })}`
