import { Menu } from '@base-ui/react/menu'
import type { ReactNode } from 'react'
import type { EventFilter } from '../../api/events'
import { useOpening } from '../../parts/Opens'
import { exportOf, FORMATS } from './exports'
import { words } from './text'

interface Props {
  filter: EventFilter
  children: ReactNode
}

/** The formats, opened: plain downloads, so that no length of the log is too much. */
export default function ExportList({ filter, children }: Props) {
  const { trigger, isOpen, setOpen } = useOpening()
  return (
    <Menu.Root modal={false} open={isOpen} onOpenChange={setOpen}>
      <Menu.Trigger ref={trigger} className="button">
        {children}
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
