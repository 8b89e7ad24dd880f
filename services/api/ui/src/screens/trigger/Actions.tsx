import { useState } from 'react'
import { queries } from '../../api/queries'
import type { Trigger } from '../../api/triggers'
import { Button, ButtonLink } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { lazily } from '../../parts/lazily'
import { MenuButton, useMenu } from '../../parts/MenuButton'
import { Asked, type Asking } from '../triggers/Asked'
import { words } from './text'

const Definition = lazily(async () => ({ default: (await import('./Definition')).Definition }))
const More = lazily(() => import('./More'))

export type What = Asking['what'] | 'definition'

/** What can be done with the trigger: the usual in sight, the rest in a menu. */
export function Actions({ trigger }: { trigger: Trigger }) {
  const [asked, ask] = useState<What | null>(null)
  const menu = useMenu<Trigger>()
  const { id, name } = trigger
  const close = () => ask(null)
  return (
    <>
      <Button onClick={() => ask('fire')}>
        <Icon name="play" /> {words.actions.fire}
      </Button>
      <ButtonLink href={`/triggers/${id}?tab=test`}>{words.actions.test}</ButtonLink>
      <ButtonLink href={`/triggers/${id}/edit`}>{words.actions.edit}</ButtonLink>
      <MenuButton payload={trigger} label={words.actions.more(name)} onOpen={menu.open} />
      {menu.wasOpened ? <More at={menu.at} onClose={menu.close} ask={ask} /> : null}
      {asked === 'definition' ? <Definition id={id} definition={trigger} onClose={close} /> : null}
      <Asked
        asking={asked === null || asked === 'definition' ? null : { what: asked, trigger }}
        ask={(asking) => ask(asking?.what ?? null)}
        onDeleted={() => void queries.invalidateQueries({ queryKey: ['/triggers', id] })}
      />
    </>
  )
}
