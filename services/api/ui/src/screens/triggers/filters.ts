/** What is listed, as the address has it and as the API is asked: pure. */
import type { TriggerFilter } from '../../api/triggers'
import { type Changes, oneOf, someOf } from '../../app/address'
import { words } from './text'

export const TYPES = ['any', 'scheduled', 'api'] as const
export const STATUSES = ['any', 'active', 'completed'] as const
export const DUES = ['any', '1h', '24h', '7d'] as const
export const ATTENTIONS = ['late', 'missed', 'rejected'] as const
export const SORTS = ['next_fire', 'name', '-name', '-created', 'created', '-updated'] as const
export type Attention = (typeof ATTENTIONS)[number]

export interface Filters {
  q: string
  type: (typeof TYPES)[number]
  status: (typeof STATUSES)[number]
  label: string[]
  attention: Attention[]
  due: (typeof DUES)[number]
  sort: (typeof SORTS)[number]
}

export function filtersOf(search: URLSearchParams): Filters {
  return {
    q: search.get('q') ?? '',
    type: oneOf(search.get('type'), TYPES),
    status: oneOf(search.get('status'), STATUSES),
    label: splitLabels(search.get('label')),
    attention: someOf(search.get('attention'), ATTENTIONS),
    due: oneOf(search.get('due'), DUES),
    sort: oneOf(search.get('sort'), SORTS),
  }
}

export function askedOf(filters: Filters): TriggerFilter {
  const { q, type, status, label, attention, due, sort } = filters
  return {
    sort,
    ...(q ? { q } : {}),
    ...(type === 'any' ? {} : { type: [type] }),
    ...(status === 'any' ? {} : { status: [status] }),
    ...(label.length ? { label } : {}),
    ...(attention.length ? { attention } : {}),
    ...(due === 'any' ? {} : { due_within: due }),
  }
}

/** A label may have a comma of its own, which the address's list of labels must not split: it is
 * written `~1`, and `~` as `~0`. */
export function joinLabels(labels: readonly string[]): string {
  return labels.map((one) => one.replaceAll('~', '~0').replaceAll(',', '~1')).join(',')
}

export function splitLabels(value: string | null): string[] {
  if (!value) return []
  const parts = value.split(',').filter(Boolean)
  return parts.map((one) => one.replaceAll('~1', ',').replaceAll('~0', '~'))
}

/** The filters that are on, in words, and what in the address takes each away. `active`: how long a
 * row of the log is active, which is as long as it asks for attention. */
export function narrowing(
  filters: Filters,
  active: string | null = null,
): { what: string; value: string; clear: Changes }[] {
  const { q, type, status, label, attention, due } = filters
  const on = []
  if (q) on.push({ what: 'name', value: `“${q}” in the name`, clear: { q: null } })
  if (type !== 'any') on.push({ what: 'type', value: `type ${type}`, clear: { type: null } })
  if (status !== 'any')
    on.push({ what: 'status', value: `status ${status}`, clear: { status: null } })
  if (label.length)
    on.push({ what: 'label', value: `label ${label.join(' or ')}`, clear: { label: null } })
  if (attention.length) {
    const told = (one: Attention) => (active ? words.attention(one, active) : one)
    const value = attention.map(told).join(' or ')
    on.push({ what: 'attention', value, clear: { attention: null } })
  }
  if (due !== 'any') on.push({ what: 'due', value: `due ${words.due[due]}`, clear: { due: null } })
  return on
}
