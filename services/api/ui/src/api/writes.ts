import { body, http, type Schemas } from './client'
import type { Definition, DryRun, Trigger } from './triggers'

export type Accepted = Schemas['Accepted']
export type Updated = Schemas['TriggerUpdated']
export type Patch = Record<string, unknown>

export const json = <T>(value: unknown): T => value as T

/** What became of a write: applied, or stored and not applied yet (202). */
export type Written<T> = { done: true; value: T } | { done: false; value: Accepted }

export async function written<T>(
  asked: Promise<{ data?: unknown; response: Response }>,
): Promise<Written<T>> {
  const { data, response } = await asked
  return response.status === 202
    ? { done: false, value: data as Accepted }
    : { done: true, value: data as T }
}

export function create(definition: Definition, key: string): Promise<Written<Trigger>> {
  return written(
    http.POST('/triggers/', {
      body: json<never>(definition),

      headers: { 'Idempotency-Key': key },
    }),
  )
}

export function dryCreate(definition: Definition, signal?: AbortSignal): Promise<DryRun> {
  return body(
    http.POST('/triggers/', {
      body: json<never>(definition),
      params: { query: { dry_run: true } },
      signal: signal ?? null,
    }),
  ) as Promise<DryRun>
}

export const ifMatch = (version: number | null): Record<string, string> =>
  version === null ? {} : { 'If-Match': `"${version}"` }

/** Change the named fields alone; with a version, only if the trigger still has it. */
export function patch(
  id: string,
  fields: Patch,
  version: number | null,
): Promise<Written<Updated>> {
  return written(
    http.PATCH('/triggers/{trigger_id}', {
      params: { path: { trigger_id: id } },
      headers: ifMatch(version),
      body: json<never>(fields),
    }),
  )
}

export function dryPatch(
  id: string,
  fields: Patch,
  version: number | null,
  signal?: AbortSignal,
): Promise<DryRun> {
  return body(
    http.PATCH('/triggers/{trigger_id}', {
      params: { path: { trigger_id: id }, query: { dry_run: true } },
      headers: ifMatch(version),
      body: json<never>(fields),
      signal: signal ?? null,
    }),
  ) as Promise<DryRun>
}

export function replace(id: string, definition: Definition, version: number | null) {
  return written<Updated>(
    http.PUT('/triggers/{trigger_id}', {
      params: { path: { trigger_id: id } },
      headers: ifMatch(version),
      body: json<never>(definition),
    }),
  )
}

export function dryReplace(id: string, definition: Definition): Promise<DryRun> {
  return body(
    http.PUT('/triggers/{trigger_id}', {
      params: { path: { trigger_id: id }, query: { dry_run: true } },
      body: json<never>(definition),
    }),
  ) as Promise<DryRun>
}

export function remove(id: string, version: number | null): Promise<Written<undefined>> {
  return written(
    http.DELETE('/triggers/{trigger_id}', {
      params: { path: { trigger_id: id } },
      headers: ifMatch(version),
    }),
  )
}

export function dryRemove(id: string): Promise<DryRun> {
  return body(
    http.DELETE('/triggers/{trigger_id}', {
      params: { path: { trigger_id: id }, query: { dry_run: true } },
    }),
  ) as Promise<DryRun>
}

/** Fire now: the id of the event to come. A payload as ``text`` is sent as it was typed: numbers
 * that a double cannot hold come through. A test is delivered to `targets`. */
export async function fire(
  id: string,
  payload: { payload: unknown } | { text: string } | Record<string, never>,
  key: string,
  isTest = false,
  targets?: readonly string[],
): Promise<string> {
  const rest = isTest && targets ? { targets } : {}
  const options = {
    params: { path: { trigger_id: id } },
    headers: { 'Idempotency-Key': key },
    body: json<never>({ ...payload, ...rest }),
    ...('text' in payload && typeof payload.text === 'string'
      ? { bodySerializer: () => withPayload(rest, payload.text as string) }
      : {}),
  }
  const answer = isTest
    ? await body(http.POST('/triggers/{trigger_id}/test', options))
    : await body(http.POST('/triggers/{trigger_id}/fire', options))
  return answer.event_id
}

/** An object as JSON, with a payload that is JSON already. */
function withPayload(rest: object, text: string): string {
  const members = JSON.stringify(rest).slice(1, -1)
  return `{"payload": ${text}${members && `, ${members}`}}`
}

/** Fire a definition once without saving it. */
export function testUnsaved(
  kind: 'scheduled' | 'api',
  fields: unknown,
): Promise<Schemas['TestAccepted']> {
  return kind === 'api'
    ? body(http.POST('/test/api/', { body: json<never>(fields) }))
    : body(http.POST('/test/scheduled/', { body: json<never>(fields) }))
}

/** Fire again what an event fired: the id of the event to come. */
export async function replay(id: string, key: string): Promise<string> {
  const answer = await body(
    http.POST('/events/{event_id}/replay', {
      params: { path: { event_id: id } },
      headers: { 'Idempotency-Key': key },
    }),
  )
  return answer.event_id
}

type ReplayFilter = Record<string, unknown>

/** What a replay of all that pass the filter would do. */
export function countReplays(filter: ReplayFilter): Promise<Schemas['ReplaysCounted']> {
  return body(
    http.POST('/events/replay', { body: json<never>({ filter, dry_run: true }) }),
  ) as Promise<Schemas['ReplaysCounted']>
}

export function replayAll(filter: ReplayFilter, key: string): Promise<Schemas['ReplaysAccepted']> {
  return body(
    http.POST('/events/replay', {
      body: json<never>({ filter }),
      headers: { 'Idempotency-Key': key },
    }),
  ) as Promise<Schemas['ReplaysAccepted']>
}
