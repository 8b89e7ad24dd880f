/** What is done with many triggers: read through all pages, written out, deleted one by one. */
import { http, page } from '../../api/client'
import { briefOf } from '../../api/definition'
import { parseExact } from '../../api/exact'
import { asApiError } from '../../api/problem'
import type { Trigger, TriggerFilter } from '../../api/triggers'
import { remove } from '../../api/writes'
import type { Chosen } from './useSelection'

/** All that pass the filter, by the pages of the server, whatever is loaded here. */
export async function readAll(
  asked: TriggerFilter,
  onRead: (done: number) => void,
  signal: AbortSignal,
): Promise<Trigger[]> {
  // By when they were made: a row that fires meanwhile does not move to another page.
  const query = { ...asked, sort: 'created' as const, payload: false, limit: 500 }
  const found = new Map<string, Trigger>()
  let cursor: string | null = ''
  while (cursor !== null) {
    const asking = cursor ? { ...query, cursor } : query
    const next: Awaited<ReturnType<typeof page<Trigger>>> = await page(
      http.GET('/triggers/', { params: { query: asking }, signal }),
    )
    for (const row of next.rows) found.set(row.id, row)
    onRead(found.size)
    cursor = next.cursor
  }
  return [...found.values()]
}

const BATCH = 100

/** Their definitions, a line each, as ``POST /triggers/bulk`` takes them; numbers as they were. */
export async function exportOf(
  ids: readonly string[],
  onRead: (done: number) => void,
  signal: AbortSignal,
): Promise<{ file: Blob; count: number }> {
  const lines: string[] = []
  for (let from = 0; from < ids.length; from += BATCH) {
    const id = ids.slice(from, from + BATCH)
    let cursor: string | null = ''
    while (cursor !== null) {
      const query = cursor ? { id, limit: BATCH, cursor } : { id, limit: BATCH }
      const next: { rows: string; cursor: string | null } = await textPage(query, signal)
      const rows = parseExact<Trigger[]>(next.rows)
      for (const row of rows) lines.push(`${JSON.stringify(briefOf(row))}\n`)
      cursor = next.cursor
    }
    onRead(Math.min(ids.length, from + BATCH))
  }
  return { file: new Blob(lines, { type: 'application/x-ndjson' }), count: lines.length }
}

async function textPage(query: TriggerFilter, signal: AbortSignal) {
  const asked = http.GET('/triggers/', { params: { query }, parseAs: 'text', signal })
  const { data, response } = await asked
  const { cursor } = await page(Promise.resolve({ data: [], response }))
  return { rows: String(data), cursor }
}

export interface Deletion {
  deleted: Chosen[]
  /** Taken, and done as soon as the scheduler gets to it. */
  stored: Chosen[]
  gone: Chosen[]
  failed: { row: Chosen; error: unknown }[]
}

const AT_ONCE = 4

/** Deletes each at the version that was chosen; goes on after a failure, ends when it is stopped. */
export async function deleteAll(
  rows: readonly Chosen[],
  onDone: (done: number) => void,
  signal: AbortSignal,
): Promise<Deletion> {
  const result: Deletion = { deleted: [], stored: [], gone: [], failed: [] }
  let at = 0
  let done = 0
  async function work(): Promise<void> {
    while (at < rows.length && !signal.aborted) {
      const row = rows[at++] as Chosen
      try {
        const written = await remove(row.id, row.version)
        ;(written.done ? result.deleted : result.stored).push(row)
      } catch (error) {
        if ([404, 410].includes(asApiError(error).status)) result.gone.push(row)
        else result.failed.push({ row, error })
      }
      onDone(++done)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return result
}
