/** Who is not signed in is led to the sign-in, and from there back to the very view. */
import { type ReactNode, useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { whenSignedOut } from '../api/client'
import { queries } from '../api/queries'
import { SESSION, signIn, useSession } from '../api/session'
import { Skeleton } from '../parts/Skeleton'
import { isInTrouble, Trouble } from '../parts/Trouble'

/** The key of a link such as `/ui/#key=…`: taken out of the address at once. */
function takeKey(): string | null {
  const match = location.hash.match(/^#key=(.+)$/)
  if (!match) return null
  history.replaceState(history.state, '', location.pathname + location.search)
  return decodeURIComponent(match[1] ?? '')
}

const linked = takeKey()

export function SignedIn({ children }: { children: ReactNode }) {
  const [isExchanging, setExchanging] = useState(linked !== null)
  const [, go] = useLocation()
  const session = useSession({ enabled: !isExchanging })
  const isOut = !isExchanging && session.data?.key_id === null

  useEffect(() => {
    if (linked === null) return
    // One that is refused leads to the sign-in, like none.
    signIn(linked)
      .catch(() => undefined)
      .finally(() => setExchanging(false))
  }, [])

  useEffect(() => {
    whenSignedOut(() => void queries.invalidateQueries({ queryKey: SESSION }))
  }, [])

  useEffect(() => {
    if (!isOut) return
    const here = location.pathname.replace(/^\/ui/, '') + location.search
    if (!here.startsWith('/login')) go(`/login?next=${encodeURIComponent(here)}`, { replace: true })
  }, [isOut, go])

  if (!isExchanging && !session.data && isInTrouble(session)) return <Trouble query={session} />
  if (!session.data || isExchanging || isOut) return <Skeleton />
  return children
}
