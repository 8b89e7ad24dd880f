import type { BulkVerb } from '../../api/targets'
import { Icon } from '../../parts/Icon'
import { lazily } from '../../parts/lazily'
import { MenuButton, useMenu } from '../../parts/MenuButton'
import { words } from './text'

const DeliverList = lazily(() => import('./DeliverList'))

/** Asks what is to be done to the deliveries of what is shown. */
export function DeliverMenu({ onPick }: { onPick: (verb: BulkVerb) => void }) {
  const menu = useMenu<null>()
  const { label } = words.deliver
  return (
    <>
      <MenuButton payload={null} label={label} onOpen={menu.open}>
        {label} <Icon name="down" size={12} />
      </MenuButton>
      {menu.wasOpened ? <DeliverList at={menu.at} onPick={onPick} onClose={menu.close} /> : null}
    </>
  )
}
