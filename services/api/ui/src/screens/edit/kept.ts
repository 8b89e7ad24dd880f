/** What was typed when a session ended, for whoever signs in with the same key and is led back.
 *
 * It is in this tab alone, and only until somebody signs in or out there: a payload may hold what
 * must not lie about.
 */
import { type RefObject, useEffect, useRef, useState } from 'react'
import { parseExact } from '../../api/exact'
import { queries } from '../../api/queries'
import { SESSION, type Session, useSession } from '../../api/session'
import { forgetUnsaved, keepUnsaved, unsaved } from '../../api/unsaved'
import type { Opened } from './ahead'
import { type Draft, emptyDraft, KINDS } from './draft'

export interface Typed {
  draft: Draft
  opened: Opened | null
  /** Of a create: sent again after the sign-in, it is still the same wish. */
  key: string
}

interface Kept {
  address: string
  typed: Typed
}

export function keep(address: string, owner: string, typed: Typed): void {
  keepUnsaved(owner, JSON.stringify({ address, typed } satisfies Kept))
}

export function keptFor(address: string, owner: string | null): Typed | null {
  const text = owner === null ? null : unsaved(owner)
  if (text === null) return null
  try {
    const kept = parseExact<Kept>(text)
    return kept.address === address && isDraft(kept.typed.draft) ? kept.typed : null
  } catch {
    return null
  }
}

/** Whether it was kept by this very form: another build of the page may have other fields. */
function isDraft(draft: Draft): boolean {
  const shape = (value: object) =>
    Object.entries(value)
      .map(([name, each]) => `${name} ${Array.isArray(each) ? 'list' : typeof each}`)
      .sort()
      .join()
  return KINDS.includes(draft.kind) && shape(draft) === shape(emptyDraft('once', 'UTC'))
}

const here = (): string => location.pathname + location.search

/** What this form begins with again; `typed`: what would be lost with it, null where nothing. */
export function useKept(typed: RefObject<Typed | null>): Typed | null {
  const now = useSession().data?.key_id ?? null
  const [found] = useState(() => keptFor(here(), now))
  const owner = useRef(now)
  owner.current = now ?? owner.current
  useEffect(() => {
    // Once only: a form that is left or saved later is not to come back.
    forgetUnsaved()
    return () => {
      const isOut = queries.getQueryData<Session>(SESSION)?.key_id === null
      if (isOut && owner.current && typed.current) keep(here(), owner.current, typed.current)
    }
  }, [typed])
  return found
}
