import { type ReactNode, useEffect, useRef } from 'react'
import { Link, useLocation } from 'wouter'
import { text } from '../text'
import { useSecond } from '../time/clock'
import { clock, offset, ownZone } from '../time/format'
import { useZoneMode } from '../time/zone'
import { arriveAt } from './arrive'
import { Mark } from './Mark'
import { Shortcuts } from './Shortcuts'
import './Shell.css'

const WAYS = [
  ['/triggers', text.nav.triggers],
  ['/targets', text.nav.targets],
  ['/events', text.nav.events],
  ['/overview', text.nav.overview],
  ['/access', text.nav.access],
] as const

/** The rail beside (below, on narrow screens) every screen. */
export function Shell({ children }: { children: ReactNode }) {
  const [path] = useLocation()
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="rail">
        <Link href="/triggers" className="rail-name">
          <Mark /> <span>{text.name}</span>
        </Link>
        <nav aria-label="Screens">
          <ul className="rail-ways">
            {WAYS.map(([href, label]) => (
              <li key={href}>
                <Link
                  href={href}
                  className="rail-way"
                  aria-current={path === href || path.startsWith(`${href}/`) ? 'page' : undefined}
                >
                  {label}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <Now />
      </header>
      <main id="main" className="main" tabIndex={-1}>
        {children}
      </main>
      <Shortcuts />
    </div>
  )
}

/** The zone stands here once, with its offset, and the server's time on its clock. */
function Now() {
  const now = useSecond() * 1000
  const { mode } = useZoneMode()
  const zone = mode === 'utc' ? 'UTC' : ownZone()
  return (
    <p className="rail-now">
      <span>
        {text.zone.label} <strong>{mode === 'schedule' ? 'each schedule’s zone' : zone}</strong>
      </span>
      <span className="mono">
        {clock(now, zone)} {offset(now, zone)}
      </span>
    </p>
  )
}

interface PageProps {
  title: string
  /** What stands at the end of the title's line. */
  actions?: ReactNode
  children: ReactNode
}

/** A screen: its title, what can be done with the whole of it, and its content. */
export function Page({ title, actions, children }: PageProps) {
  const [path] = useLocation()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · ${text.name}`
  }, [title])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another path is another arrival
  useEffect(() => arriveAt(heading.current), [path])
  return (
    <div className="page">
      <div className="page-head">
        <h1 className="page-title" ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <div className="page-actions">{actions}</div>
      </div>
      {children}
    </div>
  )
}
