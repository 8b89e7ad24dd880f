import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { asApiError } from '../../api/problem'
import { signIn, useSession } from '../../api/session'
import { ownPath } from '../../app/address'
import { Mark } from '../../app/Mark'
import { Button } from '../../parts/Button'
import { Field, Input } from '../../parts/Field'
import { text } from '../../text'
import './Login.css'

const EVERY = 3_000

export default function Login() {
  const [search] = useSearchParams()
  const [, go] = useLocation()
  const [key, setKey] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const next = ownPath(search.get('next'))

  // Signed in meanwhile in another tab: this one goes on, too.
  const { data: session } = useSession({ every: EVERY })
  const wasOut = useRef(false)
  useEffect(() => {
    if (session?.key_id === null) wasOut.current = true
    else if (session && wasOut.current) go(next, { replace: true })
  }, [session, next, go])

  async function enter(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!key.trim()) return setError('Paste an API key here.')
    setBusy(true)
    try {
      await signIn(key.trim())
      setKey('')
      go(next, { replace: true })
    } catch (failure) {
      const known = asApiError(failure)
      setError(known.isAway ? `${text.state.away}: ${known.detail}` : known.detail)
      setBusy(false)
    }
  }

  return (
    <main className="login">
      <form className="login-form" onSubmit={enter}>
        <h1 className="login-name">
          <Mark /> {text.name}
        </h1>
        <Field
          label="API key"
          error={error}
          hint={
            <>
              <code>etp up</code> prints one. It is exchanged for a cookie that no script can read,
              and not kept.
            </>
          }
        >
          <Input
            className="input mono"
            type="password"
            autoComplete="current-password"
            autoFocus
            spellCheck={false}
            value={key}
            onChange={(event) => setKey(event.target.value)}
          />
        </Field>
        <Button type="submit" kind="primary" isBusy={isBusy}>
          Sign in
        </Button>
      </form>
    </main>
  )
}
