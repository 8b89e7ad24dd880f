/** Where events are delivered to: what is read of targets, and what is asked of them. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { byIds, distinct } from './byIds'
import { body, http, type Page, page, type Schemas } from './client'
import type { paths } from './schema.gen'
import { ifMatch, json, type Patch, type Written, written } from './writes'

export type Target = Schemas['TargetDetail']
export type TargetDefinition = Schemas['TargetDefinition']
export type TargetVersion = Schemas['TargetVersion']
export type TargetType = Target['type']
export type Health = Target['health']['status']
export type TargetFilter = NonNullable<paths['/targets/']['get']['parameters']['query']>
/** Of a create or a rotation: the secret, in this answer alone; also in one that says "later". */
export type Made = { id: string; secret?: string }
/** Applied, or stored and not applied yet: either has it. */
export type WrittenSecret = { done: boolean; value: Made }

/** Targets by page, the newest first. `every`: how often all that was read is read again, in ms. */
export function useTargets(
  filter: TargetFilter,
  options: { enabled?: boolean; every?: number } = {},
) {
  const query = { ...filter, limit: 100 }
  return useInfiniteQuery({
    queryKey: ['/targets/', query],
    queryFn: ({ pageParam, signal }): Promise<Page<Target>> =>
      page(
        http.GET('/targets/', {
          params: {
            // Counted once, with the first page.
            query: pageParam ? { ...query, cursor: pageParam } : { ...query, count: true },
          },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.cursor ?? undefined,
    enabled: options.enabled ?? true,
    refetchInterval: options.every ?? false,
    placeholderData: keepPreviousData,
  })
}

/** Those that some ids name; what is gone is not among them. */
export function readTargetsById(ids: readonly string[], signal?: AbortSignal): Promise<Target[]> {
  return byIds(ids, (query) =>
    page(http.GET('/targets/', { params: { query }, signal: signal ?? null })),
  )
}

/** The same, kept. */
export function useTargetsById(ids: readonly string[]) {
  const id = distinct(ids)
  return useQuery({
    queryKey: ['/targets/', { id }],
    queryFn: ({ signal }) => readTargetsById(id, signal),
    enabled: id.length > 0,
    placeholderData: keepPreviousData,
  })
}

export function readTarget(id: string, signal?: AbortSignal): Promise<Target> {
  return body(
    http.GET('/targets/{target_id}', {
      params: { path: { target_id: id } },
      signal: signal ?? null,
    }),
  )
}

/** Versions, the newest first. */
export function readTargetHistory(
  id: string,
  query: { cursor?: string; limit?: number },
  signal?: AbortSignal,
): Promise<Page<TargetVersion>> {
  return page(
    http.GET('/targets/{target_id}/history', {
      params: { path: { target_id: id }, query },
      signal: signal ?? null,
    }),
  )
}

export function useTargetHistory(id: string) {
  return useInfiniteQuery({
    queryKey: ['/targets', id, 'history'],
    queryFn: ({ pageParam, signal }) =>
      readTargetHistory(id, pageParam ? { cursor: pageParam } : {}, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.cursor ?? undefined,
  })
}

export function createTarget(fields: Patch, key: string): Promise<WrittenSecret> {
  return written<Made>(
    http.POST('/targets/', { body: json<never>(fields), headers: { 'Idempotency-Key': key } }),
  )
}

/** Change the named fields alone, if the target still has this version. */
export function patchTarget(
  id: string,
  fields: Patch,
  version: number,
): Promise<Written<Schemas['TargetShown']>> {
  return written(
    http.PATCH('/targets/{target_id}', {
      params: { path: { target_id: id } },
      headers: ifMatch(version),
      body: json<never>(fields),
    }),
  )
}

export function removeTarget(id: string, version: number): Promise<Written<undefined>> {
  return written(
    http.DELETE('/targets/{target_id}', {
      params: { path: { target_id: id } },
      headers: ifMatch(version),
    }),
  )
}

export type DeliveryFilter = Schemas['DeliveryFilter']
export type BulkVerb = 'redeliver' | 'cancel'

const askAll = (verb: BulkVerb, asked: Schemas['DeliveriesRequest'], key?: string) => {
  const options = { body: asked, ...(key ? { headers: { 'Idempotency-Key': key } } : {}) }
  return verb === 'redeliver'
    ? body(http.POST('/deliveries/redeliver', options))
    : body(http.POST('/deliveries/cancel', options))
}

/** How many deliveries pass a filter. */
export const countDeliveries = (verb: BulkVerb, filter: DeliveryFilter) =>
  askAll(verb, { filter, dry_run: true }) as Promise<Schemas['DeliveriesCounted']>

/** Deliver all of them again, or give up what waits of them. */
export const forDeliveries = (verb: BulkVerb, filter: DeliveryFilter, key: string) =>
  askAll(verb, { filter, dry_run: false }, key) as Promise<Schemas['DeliveriesAccepted']>

export type Probe = Schemas['ProbeOutcome']

/** Send a test event to it now: what came of that. */
export function testTarget(id: string): Promise<Probe> {
  return body(
    http.POST('/targets/{target_id}/test', { params: { path: { target_id: id } }, body: {} }),
  )
}

/** Sign with another secret, and with the present one besides for a while. */
export function rotateSecret(
  id: string,
  fields: Schemas['RotationInput'],
  version: number,
  key: string,
): Promise<WrittenSecret> {
  return written<Made>(
    http.POST('/targets/{target_id}/rotate-secret', {
      params: { path: { target_id: id } },
      headers: { ...ifMatch(version), 'Idempotency-Key': key },
      body: fields,
    }),
  )
}
