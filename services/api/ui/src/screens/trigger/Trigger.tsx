import { useEvents } from '../../api/events'
import { askAgain } from '../../api/queries'
import type { Trigger as Shown } from '../../api/triggers'
import { oneOf, useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { lazily } from '../../parts/lazily'
import { Skeleton } from '../../parts/Skeleton'
import { Stale } from '../../parts/States'
import { type Tab, Tabs } from '../../parts/Tabs'
import { Actions } from './Actions'
import { Away } from './Away'
import { Facts } from './Facts'
import { LogTab } from './LogTab'
import { NowTab } from './NowTab'
import { words } from './text'
import { isGone, useLoaded } from './useLoaded'
import { useTail } from './useTail'
import './Trigger.css'
import './Now.css'
import './Story.css'

const Gone = lazily(async () => ({ default: (await import('./Gone')).Gone }), <Skeleton />)
const HistoryTab = lazily(
  async () => ({ default: (await import('./HistoryTab')).HistoryTab }),
  <Skeleton />,
)
const TestTab = lazily(async () => ({ default: (await import('./TestTab')).TestTab }), <Skeleton />)

export default function Trigger({ id }: { id: string }) {
  const trigger = useLoaded(id)
  if (isGone(trigger.error)) return <Gone id={id} />
  if (!trigger.data) {
    return (
      <Page title="Trigger">
        <Away query={trigger}>
          <Skeleton rows={8} />
        </Away>
      </Page>
    )
  }
  const { failureReason, failureCount, dataUpdatedAt } = trigger
  return (
    <Page title={trigger.data.name} actions={<Actions trigger={trigger.data} />}>
      {failureReason ? (
        <Stale
          error={failureReason}
          since={dataUpdatedAt}
          failures={failureCount}
          onRetry={askAgain}
        />
      ) : null}
      <div className={failureReason ? 'trigger is-stale' : 'trigger'}>
        <Living trigger={trigger.data} />
      </div>
    </Page>
  )
}

export const TABS = ['now', 'log', 'history', 'test'] as const

function Living({ trigger }: { trigger: Shown }) {
  const { id } = trigger
  const { search, change } = useAddress()
  const events = useEvents({ trigger_id: [id] })
  const tail = useTail(id, events.isSuccess, events.data?.pages[0]?.position ?? null)
  const tabs: Tab<(typeof TABS)[number]>[] = [
    {
      value: 'now',
      label: words.tabs.now,
      content: () => <NowTab trigger={trigger} events={events} tail={tail} />,
    },
    {
      value: 'log',
      label: words.tabs.log,
      content: () => <LogTab id={id} zone={trigger.timezone} arrived={tail.arrived} />,
    },
    {
      value: 'history',
      label: words.tabs.history,
      content: () => <HistoryTab id={id} current={trigger} />,
    },
    {
      value: 'test',
      label: words.tabs.test,
      content: () => <TestTab trigger={trigger} />,
    },
  ]
  return (
    <>
      <Facts trigger={trigger} />
      <div className="trigger-tabs">
        <Tabs
          label={words.tabs.label}
          tabs={tabs}
          value={oneOf(search.get('tab'), TABS)}
          onChange={(tab) => change({ tab: tab === 'now' ? null : tab, version: null, kind: null })}
        />
        <div className="trigger-zone">
          <ZoneSwitch hasSchedule={trigger.type === 'scheduled'} />
        </div>
      </div>
    </>
  )
}
