import { Link } from 'wouter'
import { useActivity, useTriggers } from '../../api/triggers'
import { Skeleton } from '../../parts/Skeleton'
import { Sparkline } from '../../parts/Sparkline'
import { Failed } from '../../parts/States'
import { resultOf, Tag } from '../../parts/Tag'
import { count } from '../../text'
import { Instant } from '../../time/Instant'
import { words } from './text'

const SHOWN = 8
const KINDS = ['late', 'missed', 'rejected'] as const

/** Triggers with something late, missed or rejected in the active log: each leads to its own log. */
export function Attention() {
  const triggers = useTriggers({ attention: [...KINDS], sort: 'name' })
  const rows = (triggers.data?.pages[0]?.rows ?? []).slice(0, SHOWN)
  const activity = useActivity(rows.map(({ id }) => id))
  if (triggers.isError && !triggers.data) {
    return <Failed error={triggers.error} onRetry={() => void triggers.refetch()} />
  }
  if (!triggers.data) return <Skeleton rows={2} height={42} />
  if (rows.length === 0) return <p className="quiet">{words.attention.none}</p>
  const byId = new Map(activity.data?.map((each) => [each.trigger_id, each]))
  const total = triggers.data.pages[0]?.total ?? rows.length
  return (
    <>
      <ul className="attention">
        {rows.map(({ id, name, timezone }) => {
          const own = byId.get(id)
          return (
            <li key={id} className="attention-row">
              <Link className="clip" href={`/triggers/${id}?tab=log`}>
                {name}
              </Link>
              <span className="attention-last">
                {own?.last ? (
                  <>
                    <Tag result={resultOf(own.last)} />
                    <Instant at={own.last.logged_at} schedule={timezone ?? null} />
                  </>
                ) : null}
              </span>
              {own ? (
                <Sparkline points={own.points} label={count(own.points.length, 'newest event')} />
              ) : null}
            </li>
          )
        })}
      </ul>
      {total > rows.length ? (
        <p>
          <Link href={`/triggers?attention=${KINDS.join(',')}`}>
            {words.attention.all} ({count(total, 'trigger')})
          </Link>
        </p>
      ) : null}
    </>
  )
}
