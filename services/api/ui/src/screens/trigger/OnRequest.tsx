import type { Trigger } from '../../api/triggers'
import { Copy } from '../../parts/Copy'
import { curlToFire } from '../../parts/curl'
import { firstPayload } from '../triggers/payload'
import { Card } from './Card'
import { words } from './text'

/** An api trigger has nothing to come: how to fire it stands in that place. */
export function OnRequest({ trigger }: { trigger: Trigger }) {
  const payload = firstPayload(trigger.payload_schema, trigger.payload)
  const command = curlToFire(trigger.id, payload.replaceAll(/\n */g, ' ') || '{}')
  return (
    <Card
      title={words.request.title}
      aside={
        <Copy text={command} label={words.definition.curl}>
          curl
        </Copy>
      }
    >
      <div className="card-body">
        <p className="quiet">{words.request.how}</p>
        <code className="command">{command}</code>
      </div>
    </Card>
  )
}
