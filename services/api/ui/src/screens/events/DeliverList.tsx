import type { BulkVerb } from '../../api/targets'
import { Menu, MenuItem } from '../../parts/Menu'
import type { MenuAt } from '../../parts/MenuButton'
import { words } from './text'

interface Props {
  at: MenuAt<null> | null
  onPick: (verb: BulkVerb) => void
  onClose: () => void
}

/** What can be done to all deliveries of what is shown. */
export default function DeliverList({ at, onPick, onClose }: Props) {
  const { label, redeliver, cancel } = words.deliver
  return (
    <Menu at={at} onClose={onClose} label={label}>
      {() => (
        <>
          <MenuItem onPick={() => onPick('redeliver')}>{redeliver}</MenuItem>
          <MenuItem isDanger onPick={() => onPick('cancel')}>
            {cancel}
          </MenuItem>
        </>
      )}
    </Menu>
  )
}
