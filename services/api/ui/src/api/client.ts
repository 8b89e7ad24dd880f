import createClient from 'openapi-fetch'
import { ApiError, errorOf } from './problem'
import type { components, paths } from './schema.gen'

export type Schemas = components['schemas']

/** Told once a request is refused because nobody is signed in. */
let onSignedOut: () => void = () => {}
export function whenSignedOut(tell: () => void): void {
  onSignedOut = tell
}

/** All requests of this page: to its own origin, with the session's cookie. */
export const http = createClient<paths>({
  baseUrl: location.origin,
  credentials: 'same-origin',
  // Lists in addresses and repeated filters: ?status=missed&status=rejected
  querySerializer: { array: { style: 'form', explode: true } },
})

http.use({
  async onResponse({ response, request }) {
    if (response.ok || response.status === 304) return undefined
    const error = await errorOf(response)
    if (error.status === 401 && !request.url.endsWith('/session')) onSignedOut()
    throw error
  },
  onError({ error }) {
    if (error instanceof ApiError) return undefined
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    return new ApiError(0, 'no-answer', 'the gateway does not answer')
  },
})

/** The body of an answer; a refusal was thrown before, as ``ApiError``. */
export async function body<T>(asked: Promise<{ data?: T }>): Promise<T> {
  return (await asked).data as T
}

/** A page of a list: its rows, where the next begins, and what its headers tell. */
export interface Page<T> {
  rows: T[]
  cursor: string | null
  total: number | null
  totalIsExact: boolean
  position: string | null
  /** Words were searched for in all that the payloads say, not in their beginnings alone. */
  isWholly: boolean
}

export async function page<T>(
  asked: Promise<{ data?: T[]; response: Response }>,
): Promise<Page<T>> {
  const { data, response } = await asked
  const total = response.headers.get('x-total-count')
  return {
    rows: data ?? [],
    cursor: cursorOf(response.headers.get('link')),
    total: total === null ? null : Number(total),
    totalIsExact: response.headers.get('x-total-count-kind') !== 'estimate',
    position: response.headers.get('x-log-position'),
    isWholly: response.headers.get('x-search-coverage') !== 'partial',
  }
}

function cursorOf(link: string | null): string | null {
  const next = link?.match(/<([^>]+)>;\s*rel="?next"?/)?.[1]
  return next ? new URL(next, location.origin).searchParams.get('cursor') : null
}

/** For an ``Idempotency-Key``; plain http off loopback has no ``randomUUID``. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
