/** What was typed when a session ended, for whoever signs in with the same key and is led back.
 *
 * It is in this page's memory alone: a payload may hold what must be stored nowhere.
 */
import { type RefObject, useEffect, useRef, useState } from 'react'
import { queries } from '../../api/queries'
import { SESSION, type Session, useSession } from '../../api/session'
import type { Opened } from './ahead'
import type { Draft } from './draft'

export interface Typed {
  draft: Draft
  opened: Opened | null
  /** Of a create: sent again after the sign-in, it is still the same wish. */
  key: string
}

interface Kept {
  address: string
  owner: string
  typed: Typed
}

let kept: Kept | null = null

export function keep(address: string, owner: string, typed: Typed): void {
  kept = { address, owner, typed }
}

export function keptFor(address: string, owner: string | null): Typed | null {
  return kept?.address === address && kept.owner === owner ? kept.typed : null
}

export function forgetKept(): void {
  kept = null
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
    forgetKept()
    return () => {
      const isOut = queries.getQueryData<Session>(SESSION)?.key_id === null
      if (isOut && owner.current && typed.current) keep(here(), owner.current, typed.current)
    }
  }, [typed])
  return found
}
