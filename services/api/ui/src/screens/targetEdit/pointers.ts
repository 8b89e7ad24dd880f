/** Which field of the form an error stands at, by the pointer that the server names: pure. */
import type { TargetType } from '../../api/targets'
import { type Fault, type Placed, readable } from '../edit/pointers'
import { fieldNames } from '../targets/text'
import { delaysOf, type HeaderRow, isBlank, isKept, statusesOf, type TargetDraft } from './draft'
import { words } from './text'

export type Fold = 'limits' | 'retries' | 'trust' | 'alert'

interface Place {
  label: string
  /** What must be opened before it is seen. */
  fold?: Fold
  /** Of this type alone. */
  type?: TargetType
}

/** Every field that the form has; rows of headers and delays have one each besides. */
export const PLACES: Readonly<Record<string, Place>> = {
  '/type': { label: fieldNames.type },
  '/name': { label: fieldNames.name },
  '/url': { label: fieldNames.url, type: 'webhook' },
  '/subject': { label: fieldNames.subject, type: 'nats' },
  '/durable': { label: fieldNames.durable, type: 'nats' },
  '/body': { label: fieldNames.body },
  '/headers': { label: fieldNames.headers, type: 'webhook' },
  '/timeout': { label: fieldNames.timeout, fold: 'limits' },
  '/concurrency': { label: fieldNames.concurrency, fold: 'limits' },
  '/rate': { label: fieldNames.rate, fold: 'limits' },
  '/ordered': { label: fieldNames.ordered, fold: 'limits' },
  '/retry': { label: fieldNames.retry, fold: 'retries' },
  '/final_statuses': { label: fieldNames.final_statuses, fold: 'retries', type: 'webhook' },
  '/secret': { label: 'Signing secret', fold: 'trust', type: 'webhook' },
  '/ca': { label: fieldNames.ca, fold: 'trust', type: 'webhook' },
  '/alert_target': { label: fieldNames.alert_target, fold: 'alert' },
}

export const headerField = (row: { id: number }): string => `/headers/${row.id}`
export const delayField = (row: { id: number }): string => `/retry/${row.id}`

/** As much of a name as the server repeats in a pointer. */
const NAME = 100

export function placed(fault: Fault, draft: TargetDraft): Placed {
  const base = { message: fault.message, pointer: fault.pointer, at: fault.at ?? null }
  const [, first = '', second] = fault.pointer.split('/')
  if (first === 'headers' || first === 'secret_headers') {
    const row = second === undefined ? undefined : rowOf(draft, first, second)
    const field = row ? headerField(row) : inForm('/headers', draft)
    const label = second === undefined ? fieldNames[first] : words.header.error(unescaped(second))
    return { ...base, field, label, fold: null }
  }
  if (first === 'retry' && second !== undefined) {
    const place = Number(second)
    const row = delaysOf(draft)[place]
    const field = row ? delayField(row) : '/retry'
    return { ...base, field, label: words.retry.of(place + 1), fold: 'retries' }
  }
  if (first === 'final_statuses' && second !== undefined) {
    const status = statusesOf(draft)[Number(second)]
    return {
      ...base,
      field: inForm('/final_statuses', draft),
      label: fieldNames.final_statuses,
      message: status === undefined ? fault.message : `${status}: ${fault.message}`,
      // Said by the status itself: its place in the list would say less.
      pointer: '/final_statuses',
      fold: 'retries',
    }
  }
  const field = inForm(first === 'rate' ? '/rate' : fault.pointer, draft)
  const place = field === null ? undefined : PLACES[field]
  return {
    ...base,
    pointer: first === 'rate' ? '/rate' : fault.pointer,
    field,
    label: place?.label ?? (readable(fault.pointer) || 'The whole of it'),
    fold: place?.fold ?? null,
  }
}

const unescaped = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

function rowOf(draft: TargetDraft, list: string, token: string): HeaderRow | undefined {
  const name = unescaped(token)
  const isSecret = list === 'secret_headers'
  const rows = draft.headers.filter((row) => row.isSecret === isSecret && !isBlank(row))
  return rows.find((row) => row.name.trim().slice(0, NAME) === name)
}

/** Null where the form of this type has no such field: the summary says it. */
function inForm(pointer: string, { type }: TargetDraft): string | null {
  const place = PLACES[pointer]
  return place && (place.type === undefined || place.type === type) ? pointer : null
}

/** In the order of the form, with rows after what they are rows of; what has no place is first. */
export function inOrder(errors: readonly Placed[]): Placed[] {
  const order = Object.keys(PLACES)
  const at = ({ field }: Placed) => order.findIndex((each) => `${field}/`.startsWith(`${each}/`))
  return [...errors].sort((a, b) => at(a) - at(b))
}

/** What the page itself can tell, all of it at once and before anything is sent. */
export function localErrors(draft: TargetDraft): Placed[] {
  const found: Placed[] = []
  const say = (field: string, label: string, message: string, fold: Fold | null = null) =>
    found.push({ field, label, message, pointer: field, at: null, fold })
  const own = draft.type === 'webhook' ? 'url' : 'subject'
  if (!draft[own].trim()) say(`/${own}`, fieldNames[own], words.local.url)
  if (draft.type === 'webhook') {
    const names = new Set<string>()
    for (const row of draft.headers.filter((each) => !isBlank(each))) {
      const name = row.name.trim()
      const label = words.header.error(name || words.header.unnamed)
      const isTwice = names.has(name.toLowerCase())
      names.add(name.toLowerCase())
      if (!name) say(headerField(row), label, words.local.headerName)
      else if (isTwice) say(headerField(row), label, words.local.headerTwice)
      else if (row.value === '' && !isKept(row)) {
        say(headerField(row), label, words.local.headerValue)
      }
    }
  }
  return found
}
