/** What stands in the form, and the definition that it means: what is not set is not sent. */
import { SCHEDULE } from '../../api/definition'
import type { Definition } from '../../api/triggers'
import { isObject, merged, mergePatch, parse, pretty, same } from './json'
import { type Length, lengthOf, spoken } from './length'

export const KINDS = ['once', 'interval', 'cron', 'api'] as const
export type Kind = (typeof KINDS)[number]
export type DstPolicy = 'vixie' | 'skip_once' | 'literal'
export type MisfirePolicy = 'last' | 'none' | 'all'

/** All of it is text, as it was typed; payload and schema are JSON. */
export interface Draft {
  kind: Kind
  name: string
  description: string
  labels: readonly string[]
  scheduleTime: string
  interval: Length
  cron: string
  timezone: string
  dstPolicy: DstPolicy
  startsAt: string
  endsAt: string
  maxFires: string
  jitter: Length
  exclude: readonly string[]
  misfirePolicy: MisfirePolicy
  maxAge: Length
  maxCount: string
  payload: string
  schema: string
  /** Where what it fires is delivered: ids. */
  targets: readonly string[]
}

export type Fields = Record<string, unknown>

export function emptyDraft(kind: Kind, timezone: string): Draft {
  return {
    kind,
    name: '',
    description: '',
    labels: [],
    scheduleTime: '',
    interval: { count: '', unit: 'min' },
    cron: '',
    timezone,
    dstPolicy: 'vixie',
    startsAt: '',
    endsAt: '',
    maxFires: '',
    jitter: { count: '', unit: 's' },
    exclude: [],
    misfirePolicy: 'last',
    maxAge: { count: '', unit: 'h' },
    maxCount: '',
    payload: '',
    schema: '',
    targets: [],
  }
}

const text = (value: unknown): string => (value === null || value === undefined ? '' : `${value}`)
const json = (value: unknown): string =>
  value === null || value === undefined ? '' : pretty(value)

export function draftOf(definition: Definition | Fields): Draft {
  const own = definition as Fields
  const misfire = (own.misfire ?? {}) as Fields
  const empty = emptyDraft(kindOf(own), text(own.timezone) || 'UTC')
  return {
    ...empty,
    name: text(own.name),
    description: text(own.description),
    labels: (own.labels as string[] | undefined) ?? [],
    scheduleTime: text(own.schedule_time),
    interval: lengthOf(own.interval) ?? empty.interval,
    cron: text(own.cron),
    dstPolicy: (own.dst_policy as DstPolicy | undefined) ?? 'vixie',
    startsAt: text(own.starts_at),
    endsAt: text(own.ends_at),
    maxFires: text(own.max_fires),
    jitter: lengthOf(own.jitter) ?? empty.jitter,
    exclude: (own.exclude as string[] | undefined) ?? [],
    misfirePolicy: (misfire.policy as MisfirePolicy | undefined) ?? 'last',
    maxAge: lengthOf(misfire.max_age) ?? empty.maxAge,
    maxCount:
      misfire.max_count === undefined || misfire.max_count === 100 ? '' : text(misfire.max_count),
    payload: json(own.payload),
    schema: json(own.payload_schema),
    targets: (own.targets as string[] | undefined) ?? [],
  }
}

export function kindOf(definition: Definition | Fields): Kind {
  if (definition.type === 'api') return 'api'
  if (definition.cron) return 'cron'
  return definition.interval ? 'interval' : 'once'
}

/** A number where it is one; else the text, for the server to say what is wrong with it. */
const whole = (typed: string): unknown =>
  /^\d{1,15}$/.test(typed.trim()) ? Number(typed) : typed.trim()

/** JSON that cannot be read is no payload: `localErrors` of the form says so before. */
function read(typed: string): unknown {
  try {
    return typed.trim() === '' ? undefined : parse(typed)
  } catch {
    return undefined
  }
}

function misfireOf(draft: Draft): Fields | undefined {
  const misfire: Fields = {}
  if (draft.misfirePolicy !== 'last') misfire.policy = draft.misfirePolicy
  if (draft.maxAge.count.trim()) misfire.max_age = spoken(draft.maxAge)
  if (draft.maxCount.trim()) misfire.max_count = whole(draft.maxCount)
  return Object.keys(misfire).length > 0 ? misfire : undefined
}

/** The schedule alone: what a preview takes. Null where nothing says yet when it fires. */
export function scheduleOf(draft: Draft): Fields | null {
  if (draft.kind === 'api') return null
  const rule: Fields = {}
  if (draft.kind === 'once' && draft.scheduleTime.trim()) {
    rule.schedule_time = draft.scheduleTime.trim()
  }
  if (draft.kind === 'interval' && draft.interval.count.trim()) {
    rule.interval = spoken(draft.interval)
  }
  if (draft.kind === 'cron' && draft.cron.trim()) rule.cron = draft.cron
  if (Object.keys(rule).length === 0) return null
  return { ...rule, ...limitsOf(draft) }
}

function limitsOf(draft: Draft): Fields {
  const limits: Fields = {}
  if (draft.timezone && draft.timezone !== 'UTC') limits.timezone = draft.timezone
  if (draft.kind === 'cron' && draft.dstPolicy !== 'vixie') limits.dst_policy = draft.dstPolicy
  if (draft.startsAt.trim()) limits.starts_at = draft.startsAt.trim()
  if (draft.endsAt.trim()) limits.ends_at = draft.endsAt.trim()
  if (draft.maxFires.trim()) limits.max_fires = whole(draft.maxFires)
  if (draft.jitter.count.trim()) limits.jitter = spoken(draft.jitter)
  const exclude = draft.exclude.filter((each) => each.trim())
  if (exclude.length > 0) limits.exclude = exclude
  const misfire = misfireOf(draft)
  if (misfire) limits.misfire = misfire
  return limits
}

/** What a create sends. */
export function fieldsOf(draft: Draft): Fields {
  const fields: Fields = {
    name: draft.name.trim(),
    type: draft.kind === 'api' ? 'api' : 'scheduled',
  }
  if (draft.description.trim()) fields.description = draft.description.trim()
  if (draft.labels.length > 0) fields.labels = [...draft.labels]
  if (draft.targets.length > 0) fields.targets = [...draft.targets]
  const payload = read(draft.payload)
  if (payload !== undefined) fields.payload = payload
  if (draft.kind === 'api') {
    const schema = read(draft.schema)
    if (schema !== undefined) fields.payload_schema = schema
    return fields
  }
  const rule = scheduleOf(draft)
  return { ...fields, ...(rule ?? limitsOf(draft)) }
}

/** What a test takes: the definition without what only a saved one needs, delivered to `targets`. */
export function testOf(draft: Draft, targets: readonly string[], given?: unknown): Fields {
  const { type, name, targets: _, ...rest } = fieldsOf(draft)
  const fields: Fields = targets.length > 0 ? { ...rest, targets: [...targets] } : rest
  if (name) fields.name = name
  if (type === 'api') return { ...fields, payload: given ?? fields.payload ?? null }
  return fields
}

export interface Changes {
  /** A merge patch of the changed fields alone. */
  patch: Fields
  /** A null inside a payload cannot be said by a merge patch: then the whole definition is sent. */
  isWhole: boolean
}

export function changesOf(base: Fields, mine: Fields): Changes {
  const patch: Fields = {}
  for (const key of Object.keys(base)) if (!(key in mine)) patch[key] = null
  for (const [key, value] of Object.entries(mine)) {
    if (!same(base[key], value)) patch[key] = mergePatch(base[key], value)
  }
  const isWhole = Object.keys(mine).some((key) => {
    return key in patch && isObject(mine[key]) && !same(merged(base[key], patch[key]), mine[key])
  })
  return { patch, isWhole }
}

export const isChanged = (changes: Changes): boolean => Object.keys(changes.patch).length > 0

/** Of a patch, what decides when it fires; null where that stays as it is. */
export function scheduleChange(patch: Fields): Fields | null {
  if ('type' in patch) return patch
  const found = Object.entries(patch).filter(([key]) => SCHEDULE.includes(key as never))
  return found.length > 0 ? Object.fromEntries(found) : null
}
