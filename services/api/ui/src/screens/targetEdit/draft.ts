/** What stands in the form of a target, and the definition that it means: what is not set is not
 * sent. Pure. */
import { MASK, type TargetField } from '../../api/targetFields'
import type { Target, TargetDefinition, TargetType } from '../../api/targets'
import type { Fields } from '../edit/draft'
import { same } from '../edit/json'
import { type Length, lengthOf, spoken } from '../edit/length'

export const TYPES = ['webhook', 'nats'] as const
export const PERS = ['1s', '1m', '1h'] as const
export type Per = (typeof PERS)[number]

export interface HeaderRow {
  /** Of the row, for as long as the form is open. */
  id: number
  name: string
  value: string
  isSecret: boolean
  /** The name under which a value is stored that is not shown: it is kept while this is its name
   * and no other value is typed. */
  kept: string | null
}

export interface DelayRow {
  id: number
  length: Length
}

/** All of it is text, as it was typed. */
export interface TargetDraft {
  type: TargetType
  name: string
  url: string
  subject: string
  durable: boolean
  body: 'event' | 'payload'
  headers: readonly HeaderRow[]
  timeout: Length
  concurrency: string
  rateCount: string
  ratePer: Per
  ordered: boolean
  retry: readonly DelayRow[]
  finalStatuses: string
  ca: string
  alertTarget: string | null
  /** Of a create alone. */
  secret: string
}

export const DEFAULT_STATUSES = [410]
const DEFAULTS: Fields = { timeout: 15, concurrency: 10, body: 'event' }

export function emptyDraft(type: TargetType): TargetDraft {
  return {
    type,
    name: '',
    url: '',
    subject: '',
    durable: false,
    body: 'event',
    headers: [],
    timeout: { count: '', unit: 's' },
    concurrency: '',
    rateCount: '',
    ratePer: '1m',
    ordered: false,
    retry: [],
    finalStatuses: DEFAULT_STATUSES.join(', '),
    ca: '',
    alertTarget: null,
    secret: '',
  }
}

/** Whether a field is what it is without being written. */
const isDefault = (name: string, value: unknown): boolean => same(value, DEFAULTS[name])

export function draftOf(target: TargetDefinition | Target | Fields): TargetDraft {
  const own = target as TargetDefinition
  const empty = emptyDraft(own.type)
  let id = 0
  const rows = (headers: Readonly<Record<string, string>> | undefined, isSecret: boolean) =>
    Object.entries(headers ?? {}).map(([name, value]): HeaderRow => {
      const isKept = isSecret && value === MASK
      id += 1
      return { id, name, value: isKept ? '' : value, isSecret, kept: isKept ? name : null }
    })
  const text = (name: 'timeout' | 'concurrency') =>
    own[name] === undefined || isDefault(name, own[name]) ? null : own[name]
  return {
    ...empty,
    name: own.name ?? '',
    url: own.url ?? '',
    subject: own.subject ?? '',
    durable: own.durable ?? false,
    body: own.body ?? 'event',
    headers: [...rows(own.headers, false), ...rows(own.secret_headers, true)],
    timeout: lengthOf(text('timeout')) ?? empty.timeout,
    concurrency: String(text('concurrency') ?? ''),
    rateCount: String(own.rate?.count ?? ''),
    ratePer: own.rate?.per ?? empty.ratePer,
    ordered: own.ordered ?? false,
    retry: (own.retry ?? []).map((delay, index) => ({
      id: index + 1,
      length: lengthOf(delay) ?? { count: '', unit: 's' },
    })),
    finalStatuses: (own.final_statuses ?? DEFAULT_STATUSES).join(', '),
    ca: own.ca ?? '',
    alertTarget: own.alert_target ?? null,
  }
}

/** A number where it is one; else the text, for the server to say what is wrong with it. */
const whole = (typed: string): unknown =>
  /^\d{1,15}$/.test(typed.trim()) ? Number(typed) : typed.trim()

/** Nothing was typed into it, and nothing is kept by it. */
export const isBlank = ({ name, value, kept }: HeaderRow): boolean =>
  name.trim() === '' && value === '' && kept === null

/** Its stored value goes on. */
export const isKept = ({ name, value, isSecret, kept }: HeaderRow): boolean =>
  isSecret && kept !== null && value === '' && name.trim() === kept

function headersOf(draft: TargetDraft, isSecret: boolean): Fields | undefined {
  const rows = draft.headers.filter((row) => row.isSecret === isSecret && !isBlank(row))
  if (rows.length === 0) return undefined
  return Object.fromEntries(rows.map((row) => [row.name.trim(), isKept(row) ? MASK : row.value]))
}

export const delaysOf = (draft: TargetDraft): readonly DelayRow[] =>
  draft.retry.filter(({ length }) => length.count.trim() !== '')

/** As they were typed, one by one. */
export const statusesOf = (draft: TargetDraft): string[] =>
  draft.finalStatuses
    .split(/[\s,]+/)
    .map((each) => each.trim())
    .filter(Boolean)

/** What a create sends, without its secret; two of them are compared for what an edit changes. */
export function fieldsOf(draft: TargetDraft): Fields {
  const isWebhook = draft.type === 'webhook'
  const fields: Fields = { type: draft.type }
  const put = (name: TargetField, value: unknown) => {
    if (value !== undefined && value !== '' && !isDefault(name, value)) fields[name] = value
  }
  put('name', draft.name.trim())
  if (isWebhook) {
    put('url', draft.url.trim())
    put('headers', headersOf(draft, false))
    put('secret_headers', headersOf(draft, true))
    const statuses = statusesOf(draft).map(whole)
    if (!same(statuses, DEFAULT_STATUSES)) fields.final_statuses = statuses
    put('ca', draft.ca.trim() ? `${draft.ca.trim()}\n` : '')
  } else {
    put('subject', draft.subject.trim())
    put('durable', draft.durable || undefined)
  }
  put('body', draft.body)
  put('timeout', draft.timeout.count.trim() ? spoken(draft.timeout) : '')
  put('concurrency', whole(draft.concurrency))
  if (draft.rateCount.trim()) {
    fields.rate = { count: whole(draft.rateCount), per: draft.ratePer }
  }
  put('ordered', draft.ordered || undefined)
  const delays = delaysOf(draft)
  if (delays.length > 0) fields.retry = delays.map(({ length }) => spoken(length))
  put('alert_target', draft.alertTarget ?? undefined)
  return fields
}
