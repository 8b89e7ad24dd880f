import { useLocation } from 'wouter'
import type { Trigger } from '../../api/triggers'
import { toClipboard } from '../../parts/Copy'
import { Menu, MenuItem, MenuLine } from '../../parts/Menu'
import type { MenuAt } from '../../parts/MenuButton'
import { tell } from '../../parts/Toast'
import type { What } from './Actions'
import { words } from './text'

interface Props {
  at: MenuAt<Trigger> | null
  onClose: () => void
  ask: (what: What) => void
}

const { actions } = words

/** What else can be done with the trigger. */
export default function More({ at, onClose, ask }: Props) {
  const [, go] = useLocation()
  return (
    <Menu at={at} onClose={onClose} label={at ? actions.more(at.payload.name) : ''}>
      {({ id }) => (
        <>
          <MenuItem onPick={() => go(`/triggers/new?copy=${id}`)}>{actions.copy}</MenuItem>
          <MenuItem onPick={() => ask('definition')}>{actions.definition}</MenuItem>
          <MenuItem
            onPick={async () => {
              if (await toClipboard(location.href)) tell(actions.linked)
            }}
          >
            {actions.link}
          </MenuItem>
          <MenuItem onPick={() => ask('pause')}>{actions.pause}</MenuItem>
          <MenuLine />
          <MenuItem isDanger onPick={() => ask('delete')}>
            {actions.remove}
          </MenuItem>
        </>
      )}
    </Menu>
  )
}
