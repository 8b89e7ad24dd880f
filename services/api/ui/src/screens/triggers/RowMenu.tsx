import { useLocation } from 'wouter'
import type { Trigger } from '../../api/triggers'
import { toClipboard } from '../../parts/Copy'
import { curlOf, curlToFire } from '../../parts/curl'
import { Menu, MenuItem, MenuLine } from '../../parts/Menu'
import type { MenuAt } from '../../parts/MenuButton'
import { tell } from '../../parts/Toast'
import type { Asking } from './Asked'
import { words } from './text'

interface Props {
  at: MenuAt<Trigger> | null
  onClose: () => void
  ask: (asking: Asking) => void
}

const said = words.menu

async function copy(what: string, text: string): Promise<void> {
  if (await toClipboard(text)) tell(words.copied(what))
}

/** What one does with it by hand: an api trigger is fired, another one looked at. */
const commandOf = ({ id, type }: Trigger): string =>
  type === 'api' ? curlToFire(id) : curlOf(`/triggers/${id}`)

/** What can be done with one trigger: one menu for all rows of the table. */
export default function RowMenu({ at: opened, onClose, ask }: Props) {
  const [, go] = useLocation()
  return (
    <Menu at={opened} onClose={onClose} label={opened ? words.more(opened.payload.name) : ''}>
      {(trigger) => {
        const at = `/triggers/${trigger.id}`
        return (
          <>
            <MenuItem onPick={() => go(at)}>{said.open}</MenuItem>
            <MenuItem onPick={() => go(`${at}/edit`)}>{said.edit}</MenuItem>
            <MenuItem onPick={() => go(`/triggers/new?copy=${trigger.id}`)}>
              {said.copyAsNew}
            </MenuItem>
            <MenuLine />
            <MenuItem onPick={() => ask({ what: 'fire', trigger })}>{said.fire}</MenuItem>
            <MenuItem onPick={() => ask({ what: 'test', trigger })}>{said.test}</MenuItem>
            <MenuLine />
            <MenuItem onPick={() => void copy('Id', trigger.id)}>{said.copyId}</MenuItem>
            <MenuItem onPick={() => void copy('Link', `${location.origin}/ui${at}`)}>
              {said.copyLink}
            </MenuItem>
            <MenuItem onPick={() => void copy('Command', commandOf(trigger))}>
              {said.copyCurl}
            </MenuItem>
            <MenuLine />
            <MenuItem onPick={() => ask({ what: 'pause', trigger })}>{said.pause}</MenuItem>
            <MenuItem isDanger onPick={() => ask({ what: 'delete', trigger })}>
              {said.delete}
            </MenuItem>
          </>
        )
      }}
    </Menu>
  )
}
