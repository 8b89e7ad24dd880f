import { Link } from 'wouter'
import { type Upcoming, useUpcoming } from '../../api/schedules'
import { Skeleton } from '../../parts/Skeleton'
import { Empty } from '../../parts/States'
import { count } from '../../text'
import { useSecond } from '../../time/clock'
import { clock } from '../../time/format'
import { Instant, Relative } from '../../time/Instant'
import { useZone } from '../../time/zone'
import { marks, ticks } from './lanes'
import { words } from './text'
import { WhenRead } from './WhenRead'

const AHEAD_MS = 60 * 60_000
const LANES = 12

export function useLanes(): ReturnType<typeof useUpcoming> {
  // Asked for anew with each minute: the same address within it.
  const minute = Math.floor(useSecond() / 60)
  const until = new Date(minute * 60_000 + AHEAD_MS).toISOString()
  return useUpcoming({ until, per_trigger: 60, limit: LANES })
}

/** What all triggers will do within the hour, a lane for each, the nearest first. */
export function Lanes({ upcoming }: { upcoming: ReturnType<typeof useLanes> }) {
  return (
    <WhenRead of={upcoming} skeleton={<Skeleton rows={4} height={30} />}>
      {(data) => <Shown upcoming={data} />}
    </WhenRead>
  )
}

function Shown({ upcoming }: { upcoming: Upcoming }) {
  const now = useSecond()
  const { triggers, more } = upcoming
  if (triggers.length === 0) return <Empty title={words.lanes.none} />
  const from = now * 1000
  return (
    <div className="lanes">
      <Axis from={from} until={from + AHEAD_MS} />
      <ul>
        {triggers.map((trigger) => {
          const ahead = trigger.occurrences.filter((each) => Date.parse(each.scheduled_for) > from)
          const next = ahead[0]
          const shown = marks(ahead, from, from + AHEAD_MS)
          const last = shown.at(-1)
          return (
            <li key={trigger.id} className="lane">
              <Link href={`/triggers/${trigger.id}`} className="lane-name clip">
                {trigger.name}
              </Link>
              <svg
                className="lane-line"
                width="100%"
                height="24"
                role="img"
                aria-label={words.lanes.lane(count(ahead.length, 'occurrence'), trigger.more)}
              >
                <line className="rule-axis" x1="0" y1="12" x2="100%" y2="12" />
                {trigger.more && last ? (
                  <line className="lane-on" x1={`${last.at * 100}%`} y1="12" x2="100%" y2="12" />
                ) : null}
                {shown.map((mark) => (
                  <circle key={mark.key} cx={`${mark.at * 100}%`} cy="12" r="3" />
                ))}
              </svg>
              <span className="lane-next">
                {next ? (
                  <>
                    <Instant
                      at={next.scheduled_for}
                      schedule={trigger.timezone}
                      local={next.local}
                    />{' '}
                    <span className="quiet">
                      <Relative at={next.scheduled_for} />
                    </span>
                  </>
                ) : null}
              </span>
            </li>
          )
        })}
      </ul>
      {more ? (
        <p className="quiet">
          <Link href="/triggers?due=1h&sort=next_fire">{words.lanes.more}</Link>
        </p>
      ) : null}
    </div>
  )
}

function Axis({ from, until }: { from: number; until: number }) {
  const zone = useZone()
  return (
    <svg className="lane-axis" height="16" aria-hidden="true">
      {ticks(from, until).map((at) => (
        <text key={at} x={`${((at - from) / (until - from)) * 100}%`} y="12" textAnchor="middle">
          {clock(at, zone).slice(0, 5)}
        </text>
      ))}
    </svg>
  )
}
