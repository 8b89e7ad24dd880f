/** Which field of the form an error stands at, by the pointer that the server names. */
import { text } from '../../text'
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
  '/type': { label: text.field.type },
  '/name': { label: text.field.name },
  '/description': { label: text.field.description },
  '/labels': { label: text.field.labels },
  '/schedule_time': { label: text.field.schedule_time, kinds: ['once'] },
  '/interval': { label: text.field.interval, kinds: ['interval'] },
  '/cron': { label: text.field.cron, kinds: ['cron'] },
  '/timezone': { label: text.field.timezone, kinds: SCHEDULED },
  '/starts_at': { label: text.field.starts_at, fold: 'limits', kinds: SCHEDULED },
  '/ends_at': { label: text.field.ends_at, fold: 'limits', kinds: SCHEDULED },
  '/max_fires': { label: text.field.max_fires, fold: 'limits', kinds: SCHEDULED },
  '/jitter': { label: text.field.jitter, fold: 'limits', kinds: SCHEDULED },
  '/exclude': { label: text.field.exclude, fold: 'limits', kinds: SCHEDULED },
  '/dst_policy': { label: text.field.dst_policy, fold: 'downtime', kinds: ['cron'] },
  '/misfire': { label: text.field.misfire, fold: 'downtime', kinds: SCHEDULED },
  '/misfire/max_age': { label: 'None older than', fold: 'downtime', kinds: SCHEDULED },
  '/misfire/max_count': { label: 'At most, after a downtime', fold: 'downtime', kinds: SCHEDULED },
  '/payload': { label: text.field.payload },
  '/payload_schema': { label: text.field.payload_schema, kinds: ['api'] },
  '/targets': { label: text.field.targets },
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
  /** What must be opened before it is seen. */
  fold: string | null
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
