/** What is listed, as the address has it and as the API is asked: pure. */
import type { TargetFilter } from '../../api/targets'
import { oneOf, someOf } from '../../app/address'
import { healthNames, typeNames, words } from './text'

export const TYPES = ['any', 'webhook', 'nats'] as const

export const HEALTHS = ['ok', 'failing', 'open', 'paused', 'gone'] as const

export interface Filters {
  q: string
  type: (typeof TYPES)[number]
  health: (typeof HEALTHS)[number][]
}

export function filtersOf(search: URLSearchParams): Filters {
  return {
    q: search.get('q') ?? '',
    type: oneOf(search.get('type'), TYPES),
    health: someOf(search.get('health'), HEALTHS),
  }
}

export function askedOf({ q, type, health }: Filters): TargetFilter {
  return {
    ...(q ? { q } : {}),
    ...(type === 'any' ? {} : { type: [type] }),
    ...(health.length > 0 ? { health } : {}),
  }
}

/** The filters that are on, in words. */
export function narrowing({ q, type, health }: Filters): string[] {
  return [
    ...(q ? [words.noMatch.name(q)] : []),
    ...(type === 'any' ? [] : [words.noMatch.type(typeNames[type])]),
    ...(health.length > 0
      ? [words.noMatch.health(health.map((one) => healthNames[one]).join(' or '))]
      : []),
  ]
}
