import { useState } from 'react'
import { useLocation } from 'wouter'
import { queries } from '../../api/queries'
import type { Trigger } from '../../api/triggers'
import { Button, ButtonLink } from '../../parts/Button'
import { toClipboard } from '../../parts/Copy'
import { Icon } from '../../parts/Icon'
import { Menu, MenuItem, MenuLine, MenuTrigger, menuHandle } from '../../parts/Menu'
import { tell } from '../../parts/Toast'
import { DeleteDialog } from '../triggers/DeleteDialog'
import { FireDialog } from '../triggers/FireDialog'
import { PauseDialog } from '../triggers/PauseDialog'
import { Definition } from './Definition'
import { words } from './text'

type Asked = 'fire' | 'pause' | 'delete' | 'definition' | null

const menu = menuHandle<Trigger>()

/** What can be done with the trigger: the usual in sight, the rest in a menu. */
export function Actions({ trigger }: { trigger: Trigger }) {
  const [asked, ask] = useState<Asked>(null)
  const [, go] = useLocation()
  const { id, name } = trigger
  const close = () => ask(null)
  return (
    <>
      <Button onClick={() => ask('fire')}>
        <Icon name="play" /> {words.actions.fire}
      </Button>
      <ButtonLink href={`/triggers/${id}?tab=test`}>{words.actions.test}</ButtonLink>
      <ButtonLink href={`/triggers/${id}/edit`}>{words.actions.edit}</ButtonLink>
      <MenuTrigger handle={menu} payload={trigger} label={words.actions.more(name)}>
        <Icon name="more" />
      </MenuTrigger>
      <Menu handle={menu}>
        {() => (
          <>
            <MenuItem onPick={() => go(`/triggers/new?copy=${id}`)}>{words.actions.copy}</MenuItem>
            <MenuItem onPick={() => ask('definition')}>{words.actions.definition}</MenuItem>
            <MenuItem
              onPick={async () => {
                if (await toClipboard(location.href)) tell(words.actions.linked)
              }}
            >
              {words.actions.link}
            </MenuItem>
            <MenuItem onPick={() => ask('pause')}>{words.actions.pause}</MenuItem>
            <MenuLine />
            <MenuItem isDanger onPick={() => ask('delete')}>
              {words.actions.remove}
            </MenuItem>
          </>
        )}
      </Menu>
      <Definition id={id} definition={asked === 'definition' ? trigger : null} onClose={close} />
      {asked === 'fire' ? <FireDialog trigger={trigger} onClose={close} /> : null}
      {asked === 'pause' ? (
        <PauseDialog trigger={trigger} onClose={close} onDelete={() => ask('delete')} />
      ) : null}
      {asked === 'delete' ? (
        <DeleteDialog
          trigger={trigger}
          onClose={close}
          onDeleted={() => void queries.invalidateQueries({ queryKey: ['/triggers', id] })}
        />
      ) : null}
    </>
  )
}
