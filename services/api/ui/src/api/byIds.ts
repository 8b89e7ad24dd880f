/** What some ids name, all of it: in as many reads as one request takes ids, and one page has room. */
import type { Page } from './client'

/** Ids that one request takes, and rows that one page has. */
export const AT_ONCE = 100

export type Part = { id: string[]; limit: number; cursor?: string }

/** Each id once, in order: equal sets are one key of the cache. */
export const distinct = (ids: readonly string[]): string[] => [...new Set(ids)].sort()

/** What is gone is not among them. `read` asks for one page of some ids. */
export async function byIds<T>(
  ids: readonly string[],
  read: (part: Part) => Promise<Pick<Page<T>, 'rows' | 'cursor'>>,
): Promise<T[]> {
  const wanted = distinct(ids)
  const parts: Promise<T[]>[] = []
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    parts.push(whole(wanted.slice(at, at + AT_ONCE), read))
  }
  return (await Promise.all(parts)).flat()
}

/** Page by page: large rows fill one before it has its number of them. */
async function whole<T>(
  id: string[],
  read: (part: Part) => Promise<Pick<Page<T>, 'rows' | 'cursor'>>,
): Promise<T[]> {
  const found: T[] = []
  let cursor: string | null = null
  do {
    const part: Part = cursor === null ? { id, limit: AT_ONCE } : { id, limit: AT_ONCE, cursor }
    const next: Pick<Page<T>, 'rows' | 'cursor'> = await read(part)
    found.push(...next.rows)
    cursor = next.cursor
  } while (cursor !== null)
  return found
}
