import type { EventDetail } from '../../api/events'
import { Copy } from '../../parts/Copy'
import { number } from '../../text'
import { exportOf } from './exports'
import { words } from './text'

const LONG = 100_000
const SHOWN = 20_000

/** A payload as text; of a long one its beginning, and all of it as a file. */
export function Payload({ event }: { event: EventDetail }) {
  if (event.status === 'rejected') return <p className="quiet">{words.event.noPayload}</p>
  const text = JSON.stringify(event.payload, null, 2) ?? 'null'
  const isLong = text.length > LONG
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keys too */}
      <div className="event-payload" role="region" aria-label={words.event.payload} tabIndex={0}>
        <pre>{isLong ? text.slice(0, SHOWN) : text}</pre>
      </div>
      {isLong ? (
        <p className="quiet">
          {words.event.cut(kilobytes(SHOWN), kilobytes(text.length))}{' '}
          <a href={exportOf({ event_id: event.id }, 'ndjson')} download>
            {words.event.download}
          </a>
        </p>
      ) : null}
      <p>
        <Copy text={text} label={words.event.copyPayload}>
          {words.event.copyPayload}
        </Copy>
      </p>
    </>
  )
}

const kilobytes = (size: number): string => `${number(Math.ceil(size / 1000))} kB`
