import { definitionOf } from '../../api/definition'
import type { Definition as Shape } from '../../api/triggers'
import { Copy } from '../../parts/Copy'
import { curlToFire } from '../../parts/curl'
import { Dialog } from '../../parts/Dialog'
import { JsonText } from '../../parts/JsonText'
import { words } from './text'

interface Props {
  id: string
  definition: Shape | null
  onClose: () => void
}

/** As the API has it: to read, to copy, and a command that fires it. */
export function Definition({ id, definition, onClose }: Props) {
  const shown = definition ? JSON.stringify(definitionOf(definition), null, 2) : ''
  return (
    <Dialog
      isOpen={definition !== null}
      onClose={onClose}
      title={words.definition.title}
      isWide
      actions={
        <>
          <Copy text={curlToFire(id)} label={words.definition.curl}>
            {words.definition.curl}
          </Copy>
          <Copy text={shown} label={words.definition.copy}>
            {words.definition.copy}
          </Copy>
        </>
      }
    >
      <JsonText name={words.definition.title} text={shown} />
    </Dialog>
  )
}
