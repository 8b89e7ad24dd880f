import type { EventDetail } from '../../api/events'
import { Copy } from '../../parts/Copy'
import { JsonText } from '../../parts/JsonText'
import { words } from './text'

/** A payload as text; what was rejected has none. */
export function Payload({ event }: { event: EventDetail }) {
  if (event.status === 'rejected') return <p className="quiet">{words.event.noPayload}</p>
  const text = JSON.stringify(event.payload, null, 2) ?? 'null'
  return (
    <>
      <JsonText name={words.event.payload} text={text} />
      <p>
        <Copy text={text} label={words.event.copyPayload}>
          {words.event.copyPayload}
        </Copy>
      </p>
    </>
  )
}
