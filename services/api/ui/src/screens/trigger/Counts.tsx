import { Link } from 'wouter'
import { useStats } from '../../api/events'
import { useLives } from '../../api/operations'
import { Icon } from '../../parts/Icon'
import { Skeleton } from '../../parts/Skeleton'
import { number, text } from '../../text'
import { measured, setTo } from '../../time/relative'
import { Away } from './Away'
import { Card } from './Card'
import { words } from './text'

const RESULTS = ['fired', 'missed', 'rejected'] as const

/** How often it fired and did not, and how late; each number leads to those events. */
export function Counts({ id }: { id: string }) {
  const stats = useStats({ trigger_id: [id], is_test: false, bucket: '6h' })
  const late = stats.data?.lateness
  return (
    <Card title={words.counts.title(setTo(useLives()?.kept_for_s))}>
      {stats.data ? (
        <dl className="counts">
          {RESULTS.map((result) => (
            <div key={result} className="count">
              <dt className={`is-${result}`}>
                <Icon name={result} /> {text.result[result]}
              </dt>
              <dd>
                <Link href={`/triggers/${id}?tab=log&kind=${result}`}>
                  {number(stats.data.counts[result] ?? 0)}
                </Link>
              </dd>
            </div>
          ))}
          {late ? (
            <>
              <Quantile name={words.lateness.p50} seconds={late.p50} />
              <Quantile name={words.lateness.p99} seconds={late.p99} />
            </>
          ) : null}
        </dl>
      ) : (
        <Away query={stats}>
          <Skeleton rows={2} />
        </Away>
      )}
    </Card>
  )
}

function Quantile({ name, seconds }: { name: string; seconds: number }) {
  return (
    <div className="count">
      <dt className="quiet">{name}</dt>
      <dd className="mono">{measured(seconds)}</dd>
    </div>
  )
}
