/** View state lives in the address: lists as `a,b`, nothing where it is the default. */
import { useCallback } from 'react'
import { useSearchParams } from 'wouter'

export type Changes = Record<string, string | readonly string[] | null>

/** The parameters of this address, and how to change some of them.
 *
 * Choosing pushes an entry of the history, typing (`isTyping`) replaces it.
 */
export function useAddress() {
  const [search, setSearch] = useSearchParams()
  const change = useCallback(
    (changes: Changes, isTyping = false) => {
      setSearch(
        (before) => {
          const after = new URLSearchParams(before)
          for (const [name, value] of Object.entries(changes)) {
            const shown = Array.isArray(value) ? value.join(',') : (value as string | null)
            if (shown) after.set(name, shown)
            else after.delete(name)
          }
          return after
        },
        { replace: isTyping },
      )
    },
    [setSearch],
  )
  return { search, change }
}

/** One of a few values of the address, else the first of them. */
export function oneOf<T extends string>(value: string | null, allowed: readonly T[]): T {
  return allowed.find((each) => each === value) ?? (allowed[0] as T)
}

/** Those of a list in the address that are allowed. */
export function someOf<T extends string>(value: string | null, allowed: readonly T[]): T[] {
  const given = new Set((value ?? '').split(','))
  return allowed.filter((each) => given.has(each))
}

/** Where to go after signing in: own pages only, whatever the address says. */
export function ownPath(next: string | null): string {
  if (!next?.startsWith('/') || next.startsWith('//') || next.includes('\\')) return '/triggers'
  return next.startsWith('/login') ? '/triggers' : next
}
