import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { Target } from '../../api/targets'
import { Copy } from '../../parts/Copy'
import { number } from '../../text'
import { useSecond } from '../../time/clock'
import { Instant, Relative } from '../../time/Instant'
import { HealthOf } from '../targets/HealthOf'
import { placeOf } from '../targets/place'
import { typeNames } from '../targets/text'
import { signing } from './signing'
import { words } from './text'

/** What it is, in a few lines. */
export function Facts({ target }: { target: Target }) {
  const { facts } = words
  return (
    <dl className="facts">
      <Fact name={facts.place} isWide>
        <span className="mono">{placeOf(target)}</span>
        <span className="quiet">
          {typeNames[target.type]}, {facts.body[target.body]}
        </span>
      </Fact>
      <Fact name={facts.health} isTicking>
        <HealthOf target={target} />
        {target.health.since ? (
          <span className="quiet">
            {facts.since} <Relative at={target.health.since} />
          </span>
        ) : null}
      </Fact>
      <Fact name={facts.signed} isTicking>
        <Signed target={target} />
      </Fact>
      <Fact name={facts.version} isTicking>
        <Link href={`/targets/${target.id}?tab=history`}>{number(target.version)}</Link>
        <span className="quiet">
          {facts.changed} <Relative at={target.updated_at} />
        </span>
      </Fact>
      <Fact name={facts.id}>
        <span className="facts-id mono">
          <Copy text={target.id} label={facts.copyId}>
            {`${target.id.slice(0, 8)}…${target.id.slice(-6)}`}
          </Copy>
        </span>
      </Fact>
    </dl>
  )
}

/** During a rotation two sign; how long the older one does is what a receiver has to know. */
function Signed({ target }: { target: Target }) {
  const { facts } = words
  const secrets = signing(target.secrets, useSecond() * 1000)
  const [newest] = secrets
  if (!newest) return <span>{facts.notSigned}</span>
  const ends = secrets.flatMap(({ expires_at }) => (expires_at === null ? [] : [expires_at]))
  const last = ends.toSorted((a, b) => Date.parse(b) - Date.parse(a))[0]
  return (
    <>
      <span>{secrets.length === 1 ? facts.one : facts.two(secrets.length)}</span>
      <span className="quiet">
        {last ? (
          <>
            {facts.until} <Instant at={last} />
          </>
        ) : (
          <>
            {facts.since} <Instant at={newest.made_at} />
          </>
        )}
      </span>
    </>
  )
}

interface FactProps {
  name: string
  isWide?: boolean
  isTicking?: boolean
  children: ReactNode
}

function Fact({ name, isWide, isTicking, children }: FactProps) {
  return (
    <div className={isWide ? 'fact fact-wide' : isTicking ? 'fact fact-ticks' : 'fact'}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
