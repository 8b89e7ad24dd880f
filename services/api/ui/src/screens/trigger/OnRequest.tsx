import type { Trigger } from '../../api/triggers'
import { Copy } from '../../parts/Copy'
import { firstPayload } from '../triggers/payload'
import { curlOf } from './curl'
import { words } from './text'

/** An api trigger has nothing to come: how to fire it stands in that place. */
export function OnRequest({ trigger }: { trigger: Trigger }) {
  const payload = firstPayload(trigger.payload_schema, trigger.payload)
  const command = curlOf(trigger.id, payload.replaceAll(/\n */g, ' ') || '{}')
  return (
    <section className="card" aria-labelledby="on-request">
      <div className="card-head">
        <h2 id="on-request">{words.request.title}</h2>
        <Copy text={command} label={words.definition.curl}>
          curl
        </Copy>
      </div>
      <div className="card-body">
        <p className="quiet">{words.request.how}</p>
        <code className="command">{command}</code>
      </div>
    </section>
  )
}
