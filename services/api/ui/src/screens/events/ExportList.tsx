import type { EventFilter } from '../../api/events'
import { Menu, MenuLink } from '../../parts/Menu'
import type { MenuAt } from '../../parts/MenuButton'
import { exportOf, FORMATS } from './exports'
import { words } from './text'

interface Props {
  at: MenuAt<EventFilter> | null
  onClose: () => void
}

/** The formats: plain downloads, so that no length of the log is too much. */
export default function ExportList({ at, onClose }: Props) {
  return (
    <Menu at={at} onClose={onClose} label={words.export.label}>
      {(filter) =>
        FORMATS.map((format) => (
          <MenuLink key={format} href={exportOf(filter, format)}>
            {words.export[format]}
          </MenuLink>
        ))
      }
    </Menu>
  )
}
