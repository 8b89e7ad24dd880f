/** Which field of the form an error stands at, by the pointer that the server names. */
import type { Kind } from './draft'

export type Fold = 'limits' | 'downtime'

interface Place {
  label: string
  /** What must be opened before it is seen. */
  fold?: Fold
  /** Shown for these kinds alone. */
  kinds?: readonly Kind[]
}

const SCHEDULED = ['once', 'interval', 'cron'] as const

/** Every field that the form has. A pointer that is none of them belongs to its nearest parent. */
export const PLACES: Readonly<Record<string, Place>> = {
  '/type': { label: 'Kind' },
  '/name': { label: 'Name' },
  '/description': { label: 'Description' },
  '/labels': { label: 'Labels' },
  '/schedule_time': { label: 'Time', kinds: ['once'] },
  '/interval': { label: 'Every', kinds: ['interval'] },
  '/cron': { label: 'Cron expression', kinds: ['cron'] },
  '/timezone': { label: 'Time zone', kinds: SCHEDULED },
  '/starts_at': { label: 'Not before', fold: 'limits', kinds: SCHEDULED },
  '/ends_at': { label: 'Not after', fold: 'limits', kinds: SCHEDULED },
  '/max_fires': { label: 'At most', fold: 'limits', kinds: SCHEDULED },
  '/jitter': { label: 'Jitter', fold: 'limits', kinds: SCHEDULED },
  '/exclude': { label: 'Not on', fold: 'limits', kinds: SCHEDULED },
  '/dst_policy': { label: 'When clocks change', fold: 'downtime', kinds: ['cron'] },
  '/misfire': { label: 'After a downtime', fold: 'downtime', kinds: SCHEDULED },
  '/misfire/max_age': { label: 'No later than', fold: 'downtime', kinds: SCHEDULED },
  '/misfire/max_count': { label: 'At most, after a downtime', fold: 'downtime', kinds: SCHEDULED },
  '/payload': { label: 'Payload' },
  '/payload_schema': { label: 'Schema', kinds: ['api'] },
}

/** As the server names it, and as the page itself does. */
export interface Fault {
  pointer: string
  message: string
  /** The character in the field's text. */
  at?: number | null
}

export interface Placed {
  /** The field that it stands at; null where the form of this kind has none: the summary says it. */
  field: string | null
  label: string
  message: string
  pointer: string
  at: number | null
  fold: Fold | null
}

export function placed(error: Fault, kind: Kind): Placed {
  const field = fieldOf(error.pointer, kind)
  const place = field === null ? undefined : PLACES[field]
  const inner = field === null ? error.pointer : error.pointer.slice(field.length)
  return {
    field,
    label: [place?.label, readable(inner)].filter(Boolean).join(' · ') || 'The whole of it',
    message: error.message,
    pointer: error.pointer,
    at: error.at ?? null,
    fold: place?.fold ?? null,
  }
}

/** The field itself, or its nearest parent that the form has. */
export function fieldOf(pointer: string, kind: Kind): string | null {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const place = PLACES[at]
    if (place) return !place.kinds || place.kinds.includes(kind) ? at : null
  }
  return null
}

/** `/a~1b/0` as `a/b › 0`. */
export function readable(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join(' › ')
}
