import { type ReactNode, useRef } from 'react'
import { Link } from 'wouter'
import { useStats } from '../../api/events'
import { useLives, useOverview } from '../../api/operations'
import { useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { Figure } from '../../parts/Figure'
import { Segments } from '../../parts/Segments'
import '../../parts/Sheet.css'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { useSecond } from '../../time/clock'
import { setTo } from '../../time/relative'
import { Attention } from './Attention'
import { DeadLetters } from './DeadLetters'
import { FiresChart } from './FiresChart'
import { Lanes, useLanes } from './Lanes'
import { LatenessChart } from './LatenessChart'
import './Overview.css'
import { type Range, rangeOf } from './ranges'
import { Services } from './Services'
import { words } from './text'
import { WhenRead } from './WhenRead'

export default function Overview() {
  const { search, change } = useAddress()
  const { ranges, range } = rangeOf(search.get('range'), useLives())
  return (
    <Page
      title={words.title}
      actions={
        <>
          <Segments
            label={words.range}
            choices={ranges.map(({ name, told }) => ({ value: name, label: told }))}
            value={range.name}
            onChange={(chosen) => change({ range: chosen === ranges[0]?.name ? null : chosen })}
          />
          <ZoneSwitch />
        </>
      }
    >
      <Counters />
      <Charts range={range} />
      <Below />
    </Page>
  )
}

/** What stands below the lanes comes with them: how many there are, nobody knows before. */
function Below() {
  const lanes = useLanes()
  const areShown = useRef(false)
  // And stays: a question that is begun anew, each minute or by a press, is no reason to go.
  if (!lanes.isPending || isInTrouble(lanes)) areShown.current = true
  return (
    <div className="overview-grid">
      <Sheet title={words.lanes.title} isWide>
        <Lanes upcoming={lanes} />
      </Sheet>
      {areShown.current ? (
        <>
          <Sheet title={words.attention.title}>
            <Attention />
          </Sheet>
          <Sheet title={words.services.title}>
            <Services />
          </Sheet>
          <Sheet title={words.letters.title} isWide id="dead-letters">
            <DeadLetters />
          </Sheet>
        </>
      ) : null}
    </div>
  )
}

function Sheet({
  title,
  isWide,
  id,
  children,
}: {
  title: string
  isWide?: boolean
  id?: string
  children: ReactNode
}) {
  return (
    <section id={id} className={isWide ? 'sheet is-wide' : 'sheet'} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

const UNKNOWN = {
  triggers: { active: null, due_within_1h: null },
  attention: { late: null, missed: null, rejected: null },
  dead_letters: null,
}

function Counters() {
  const overview = useOverview()
  const active = setTo(overview.data?.lives.active_for_s)
  const isOld = isInTrouble(overview)
  if (!overview.data && isOld) return <Trouble query={overview} />
  // Without a number until it is known, in the place that it then has.
  const { triggers, attention, dead_letters } = overview.data ?? UNKNOWN
  return (
    <>
      <Trouble query={overview} />
      <div
        className={isOld ? 'overview-counters is-stale' : 'overview-counters'}
        aria-busy={!overview.data}
      >
        <Counter value={triggers.active} label="active triggers" to="/triggers?status=active" />
        <Counter
          value={triggers.due_within_1h}
          label="triggers due within 1 h"
          to="/triggers?due=1h&sort=next_fire"
        />
        {(['late', 'missed', 'rejected'] as const).map((kind) => (
          <Counter
            key={kind}
            value={attention[kind]}
            label={words.odd(kind, active)}
            to={`/triggers?attention=${kind}`}
            kind={kind}
          />
        ))}
        <Counter value={dead_letters} label="dead letters" to="#dead-letters" kind="rejected" />
      </div>
    </>
  )
}

function Counter(props: {
  value: number | null
  label: string
  to: string
  kind?: string | undefined
}) {
  const { value, label, to, kind } = props
  const content = <Figure value={value} word={label} result={kind} />
  return to.startsWith('#') ? (
    <a className="overview-counter" href={to}>
      {content}
    </a>
  ) : (
    <Link className="overview-counter" href={to}>
      {content}
    </Link>
  )
}

/** Tests are left out of both: they are nobody's traffic. */
function Charts({ range }: { range: Range }) {
  // Asked for anew with each minute: the same address within it.
  const minute = Math.floor(useSecond() / 60)
  const from = new Date((minute * 60 - range.seconds) * 1_000).toISOString()
  const stats = useStats({ from, bucket: range.bucket, is_test: false }, { every: 10_000 })
  const chart = <Skeleton rows={1} height={116} />
  return (
    <div className="overview-grid overview-charts">
      <Sheet title={words.fires}>
        <WhenRead of={stats} skeleton={chart}>
          {(data) => <FiresChart stats={data} />}
        </WhenRead>
      </Sheet>
      <Sheet title={words.lateness.title}>
        <WhenRead of={stats} skeleton={chart}>
          {(data) => <LatenessChart stats={data} />}
        </WhenRead>
      </Sheet>
    </div>
  )
}
