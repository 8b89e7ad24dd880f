import type { EventFilter } from '../../api/events'
import { Icon } from '../../parts/Icon'
import { lazily } from '../../parts/lazily'
import { MenuButton, useMenu } from '../../parts/MenuButton'
import { words } from './text'

const ExportList = lazily(() => import('./ExportList'))

/** Just this filter as a file. */
export function ExportMenu({ filter }: { filter: EventFilter }) {
  const menu = useMenu<EventFilter>()
  const { label } = words.export
  return (
    <>
      <MenuButton payload={filter} label={label} onOpen={menu.open}>
        {label} <Icon name="down" size={12} />
      </MenuButton>
      {menu.wasOpened ? <ExportList at={menu.at} onClose={menu.close} /> : null}
    </>
  )
}
