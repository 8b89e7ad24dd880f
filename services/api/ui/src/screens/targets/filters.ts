/** What is listed, as the address has it and as the API is asked: pure. */
import type { TargetFilter } from '../../api/targets'
import { oneOf } from '../../app/address'
import { typeNames, words } from './text'

export const TYPES = ['any', 'webhook', 'nats'] as const

export interface Filters {
  q: string
  type: (typeof TYPES)[number]
}

export function filtersOf(search: URLSearchParams): Filters {
  return { q: search.get('q') ?? '', type: oneOf(search.get('type'), TYPES) }
}

export function askedOf({ q, type }: Filters): TargetFilter {
  return { ...(q ? { q } : {}), ...(type === 'any' ? {} : { type: [type] }) }
}

/** The filters that are on, in words. */
export function narrowing({ q, type }: Filters): string[] {
  return [
    ...(q ? [words.noMatch.name(q)] : []),
    ...(type === 'any' ? [] : [words.noMatch.type(typeNames[type])]),
  ]
}
