import { useState } from 'react'
import { Link } from 'wouter'
import { queries } from '../../api/queries'
import type { BulkVerb, Target } from '../../api/targets'
import { Button } from '../../parts/Button'
import { lazily } from '../../parts/lazily'
import { serverNow } from '../../time/clock'
import { Instant, Relative } from '../../time/Instant'
import { nameOf } from '../targets/place'
import { words } from './text'

const Bulk = lazily(async () => ({ default: (await import('../deliveries/Bulk')).Bulk }))

const said = words.deliveries

/** What waits for it and what it did not take, and what can be done about either. */
export function Deliveries({ target }: { target: Target }) {
  const [asked, setAsked] = useState<{ verb: BulkVerb; to: string } | null>(null)
  const ask = (verb: BulkVerb) => setAsked({ verb, to: new Date(serverNow()).toISOString() })
  const { pending, oldest_pending_at, last_success_at, last_failure_at } = target.health
  const log = `/events?target=${target.id}`
  return (
    <section className="sheet" aria-labelledby="target-deliveries">
      <h2 id="target-deliveries">{said.title}</h2>
      <p>
        {said.pending(pending)}
        {oldest_pending_at ? (
          <span className="quiet">
            , {said.oldest} <Relative at={oldest_pending_at} />
          </span>
        ) : null}
      </p>
      <dl className="sheet-facts">
        <dt>{said.lastSuccess}</dt>
        <dd>{last_success_at ? <Ago at={last_success_at} /> : said.never}</dd>
        <dt>{said.lastFailure}</dt>
        <dd>{last_failure_at ? <Ago at={last_failure_at} /> : said.never}</dd>
      </dl>
      <p className="sheet-ways">
        <Link href={log}>{said.all}</Link>
        <Link href={`${log}&delivery=pending`}>{said.waiting}</Link>
        <Link href={`${log}&delivery=dead,blocked`}>{said.failed}</Link>
      </p>
      <div className="target-ways">
        <Button onClick={() => ask('redeliver')}>{said.redeliver}</Button>
        <Button onClick={() => ask('cancel')}>{said.cancel}</Button>
      </div>
      {asked === null ? null : (
        <Bulk
          key={asked.verb}
          verb={asked.verb}
          title={words.bulk[asked.verb](nameOf(target))}
          filter={{ target_id: target.id }}
          to={asked.to}
          onDone={() => void queries.invalidateQueries({ queryKey: ['/targets', target.id] })}
          onClose={() => setAsked(null)}
        />
      )}
    </section>
  )
}

function Ago({ at }: { at: string }) {
  return (
    <>
      <Instant at={at} />{' '}
      <span className="quiet">
        (<Relative at={at} />)
      </span>
    </>
  )
}
