import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { expressionOf } from '../../api/definition'
import type { Trigger } from '../../api/triggers'
import { Copy } from '../../parts/Copy'
import { Portion } from '../../parts/Portion'
import { number } from '../../text'
import { Instant, Relative } from '../../time/Instant'
import { joinLabels } from '../triggers/filters'
import { words } from './text'

/** What it is, in a few lines: its schedule in words over as written, and where it stands. */
export function Facts({ trigger }: { trigger: Trigger }) {
  const { facts } = words
  const raw = expressionOf(trigger)
  return (
    <section aria-label={trigger.name}>
      {trigger.description ? <p className="trigger-told">{trigger.description}</p> : null}
      <dl className="facts">
        <Fact name={facts.when} isWide>
          <span>{trigger.in_words ?? facts.onRequest}</span>
          <span className="quiet">
            {raw ? (
              <>
                <span className="mono raw">{raw}</span> {trigger.timezone}
              </>
            ) : (
              facts.how
            )}
          </span>
        </Fact>
        {trigger.type === 'scheduled' ? (
          <Fact name={facts.next} isTicking>
            {trigger.next_fire_at ? (
              <>
                <Instant
                  at={trigger.next_fire_at}
                  schedule={trigger.timezone}
                  local={trigger.next_fire_local}
                />
                <span className="quiet">
                  <Relative at={trigger.next_fire_at} due={words.axis.due} />
                </span>
              </>
            ) : (
              <span>{facts.never}</span>
            )}
          </Fact>
        ) : null}
        {trigger.max_fires ? (
          <Fact name={facts.fires}>
            <span>{facts.ofMost(trigger.fires, trigger.max_fires)}</span>
            <Portion part={trigger.fires / trigger.max_fires} width="96" />
          </Fact>
        ) : null}
        <Fact name={facts.status}>
          <span className={`status status-${trigger.status}`}>{words.status[trigger.status]}</span>
          <span className="quiet">{trigger.type}</span>
        </Fact>
        <Fact name={facts.version} isTicking>
          <Link href={`/triggers/${trigger.id}?tab=history`}>{number(trigger.version)}</Link>
          <span className="quiet">
            {facts.changed} <Relative at={trigger.updated_at} />
          </span>
        </Fact>
        {trigger.labels.length > 0 ? (
          <Fact name={facts.labels}>
            <span className="trigger-labels">
              {trigger.labels.map((label) => (
                <Link
                  key={label}
                  href={`/triggers?label=${encodeURIComponent(joinLabels([label]))}`}
                >
                  {label}
                </Link>
              ))}
            </span>
          </Fact>
        ) : null}
        <Fact name={facts.id}>
          <span className="facts-id mono">
            <Copy text={trigger.id} label={facts.copyId}>
              {`${trigger.id.slice(0, 8)}…${trigger.id.slice(-6)}`}
            </Copy>
          </span>
        </Fact>
      </dl>
    </section>
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
