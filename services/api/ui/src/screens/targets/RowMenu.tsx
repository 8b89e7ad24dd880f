import { useLocation } from 'wouter'
import type { Target } from '../../api/targets'
import { toClipboard } from '../../parts/Copy'
import { Menu, MenuItem, MenuLine } from '../../parts/Menu'
import type { MenuAt } from '../../parts/MenuButton'
import { tell } from '../../parts/Toast'
import { nameOf } from './place'
import { words } from './text'

interface Props {
  at: MenuAt<Target> | null
  onClose: () => void
  onDelete: (target: Target) => void
}

const said = words.menu

async function copy(what: string, text: string): Promise<void> {
  if (await toClipboard(text)) tell(words.copied(what))
}

/** What can be done with one target: one menu for all rows of the table. */
export default function RowMenu({ at: opened, onClose, onDelete }: Props) {
  const [, go] = useLocation()
  return (
    <Menu at={opened} onClose={onClose} label={opened ? words.more(nameOf(opened.payload)) : ''}>
      {(target) => {
        const at = `/targets/${target.id}`
        return (
          <>
            <MenuItem onPick={() => go(at)}>{said.open}</MenuItem>
            <MenuItem onPick={() => go(`${at}/edit`)}>{said.edit}</MenuItem>
            <MenuLine />
            <MenuItem onPick={() => void copy('Id', target.id)}>{said.copyId}</MenuItem>
            <MenuItem onPick={() => void copy('Link', `${location.origin}/ui${at}`)}>
              {said.copyLink}
            </MenuItem>
            <MenuLine />
            <MenuItem isDanger onPick={() => onDelete(target)}>
              {said.delete}
            </MenuItem>
          </>
        )
      }}
    </Menu>
  )
}
