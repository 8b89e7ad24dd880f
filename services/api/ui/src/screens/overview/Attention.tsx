import { Link } from 'wouter'
import type { Schemas } from '../../api/client'
import { useLives } from '../../api/operations'
import { type Trigger, useActivity, useTriggers } from '../../api/triggers'
import { Skeleton } from '../../parts/Skeleton'
import { Sparkline } from '../../parts/Sparkline'
import { resultOf, Tag } from '../../parts/Tag'
import { count } from '../../text'
import { Instant } from '../../time/Instant'
import { setTo } from '../../time/relative'
import { words } from './text'
import { WhenRead } from './WhenRead'

const SHOWN = 8
const EVERY = 15_000
const KINDS = ['late', 'missed', 'rejected'] as const

/** Triggers with something late, missed or rejected in the active log: each leads to its own log. */
export function Attention() {
  const triggers = useTriggers({ attention: [...KINDS], sort: 'name' }, { every: EVERY })
  return (
    <WhenRead of={triggers} skeleton={<Skeleton rows={2} height={42} />}>
      {({ pages }) => <List all={pages[0]?.rows ?? []} total={pages[0]?.total ?? null} />}
    </WhenRead>
  )
}

function List({ all, total }: { all: readonly Trigger[]; total: number | null }) {
  const rows = all.slice(0, SHOWN)
  const activity = useActivity(rows.map(({ id }) => id))
  const active = setTo(useLives()?.active_for_s)
  if (rows.length === 0) return <p className="quiet">{words.attention.none(active)}</p>
  const byId = new Map(activity.data?.map((each) => [each.trigger_id, each]))
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
                {own ? <Newest activity={own} zone={timezone ?? null} /> : null}
              </span>
              {own ? (
                <Sparkline points={own.points} label={count(own.points.length, 'newest event')} />
              ) : null}
            </li>
          )
        })}
      </ul>
      {total !== null && total > rows.length ? (
        <p>
          <Link href={`/triggers?attention=${KINDS.join(',')}`}>
            {words.attention.all} ({count(total, 'trigger')})
          </Link>
        </p>
      ) : null}
    </>
  )
}

interface NewestProps {
  activity: Schemas['Activity']
  zone: string | null
}

/** Why it is here: the newest event that was not as it should be, while it is among the newest. */
function Newest({ activity, zone }: NewestProps) {
  const { points, last } = activity
  const odd = points.findLast((point) => resultOf({ ...point, is_test: false }) !== 'fired')
  const shown = odd ? { ...odd, id: odd.event_id, is_test: false } : last
  if (!shown) return null
  return (
    <Link href={`/events/${shown.id}`} className="attention-way">
      <Tag result={resultOf(shown)} />
      <Instant at={shown.logged_at} schedule={zone} />
    </Link>
  )
}
