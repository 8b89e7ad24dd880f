import { useState } from 'react'
import { useLocation } from 'wouter'
import { asApiError } from '../../api/problem'
import { signOut, useSession } from '../../api/session'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { Button } from '../../parts/Button'
import { Copy } from '../../parts/Copy'
import { Segments } from '../../parts/Segments'
import { Failed } from '../../parts/States'
import { text } from '../../text'
import { chooseTheme, chosenTheme, type Theme } from '../../theme'
import { Instant, Relative } from '../../time/Instant'
import '../../parts/Sheet.css'

const THEMES: readonly { value: Theme; label: string }[] = (
  ['light', 'dark', 'system'] as const
).map((value) => ({ value, label: text.theme[value] }))

/** Who one is here, until when, and what of the page is one's own. */
export default function Access() {
  return (
    <Page title={text.nav.access}>
      <OwnSession />
      <OwnPage />
      <ForPrograms />
    </Page>
  )
}

function OwnSession() {
  const session = useSession()
  const [, go] = useLocation()
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  if (!session.data) return null
  const { key_id, scopes, expires_at } = session.data

  async function leave(): Promise<void> {
    setBusy(true)
    setError(null)
    try {
      await signOut()
      go('/login', { replace: true })
    } catch (failure) {
      setError(asApiError(failure))
      setBusy(false)
    }
  }

  return (
    <section className="sheet" aria-labelledby="session">
      <h2 id="session">This session</h2>
      <dl className="sheet-facts">
        <dt>Key</dt>
        <dd>{key_id ? <Copy text={key_id} label="Copy the key’s id" /> : '–'}</dd>
        <dt>May</dt>
        <dd>{scopes.join(', ')}</dd>
        <dt>Ends</dt>
        <dd>
          {expires_at ? (
            <>
              <Instant at={expires_at} />{' '}
              <span className="quiet">
                <Relative at={expires_at} />, later with each use
              </span>
            </>
          ) : (
            'with its key'
          )}
        </dd>
      </dl>
      <p className="quiet">
        The key itself is not here: it was exchanged for a cookie that no script can read. Whoever
        revokes the key ends this session, too.
      </p>
      {error ? <Failed error={error} /> : null}
      <div>
        <Button onClick={leave} isBusy={isBusy}>
          Sign out
        </Button>
      </div>
    </section>
  )
}

/** Kept in this browser alone. */
function OwnPage() {
  const [theme, setTheme] = useState(chosenTheme)
  return (
    <section className="sheet" aria-labelledby="page">
      <h2 id="page">This page</h2>
      <dl className="sheet-facts">
        <dt>{text.theme.label}</dt>
        <dd>
          <Segments
            label={text.theme.label}
            choices={THEMES}
            value={theme}
            onChange={(chosen) => {
              chooseTheme(chosen)
              setTheme(chosen)
            }}
          />
        </dd>
        <dt>{text.zone.label}</dt>
        <dd>
          <ZoneSwitch />
        </dd>
        <dt>Keys</dt>
        <dd>
          <kbd>?</kbd> shows them all, <kbd>Ctrl</kbd> <kbd>K</kbd> goes anywhere
        </dd>
      </dl>
    </section>
  )
}

function ForPrograms() {
  const url = location.origin
  return (
    <section className="sheet" aria-labelledby="programs">
      <h2 id="programs">For programs</h2>
      <dl className="sheet-facts">
        <dt>REST</dt>
        <dd>
          <Copy text={url} label="Copy the address" />
        </dd>
        <dt>Read on</dt>
        <dd className="sheet-ways">
          <a href="/docs">REST, with examples</a>
          <a href="/openapi.json">OpenAPI</a>
          <a href="/asyncapi">NATS, AsyncAPI</a>
        </dd>
      </dl>
      <p className="quiet">
        Programs send the key itself, as <code>X-API-KEY</code> or{' '}
        <code>Authorization: Bearer</code>.
      </p>
    </section>
  )
}
