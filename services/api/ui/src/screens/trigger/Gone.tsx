import { useState } from 'react'
import { useEvents } from '../../api/events'
import { useHistory } from '../../api/trigger'
import { oneOf, useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { Button, ButtonLink } from '../../parts/Button'
import { lazily } from '../../parts/lazily'
import { Skeleton } from '../../parts/Skeleton'
import { Empty } from '../../parts/States'
import { Tabs } from '../../parts/Tabs'
import { Instant, Relative } from '../../time/Instant'
import { ActorName } from './Actor'
import { Again } from './Again'
import { Away } from './Away'
import { LogTab } from './LogTab'
import { words } from './text'
import { isGone } from './useLoaded'
import { useTail } from './useTail'

const TABS = ['history', 'log'] as const

const HistoryTab = lazily(
  async () => ({ default: (await import('./HistoryTab')).HistoryTab }),
  <Skeleton />,
)

/** Of a deleted trigger there are its history and its living events; of an unknown one nothing. */
export function Gone({ id }: { id: string }) {
  const { search, change } = useAddress()
  const history = useHistory(id)
  const events = useEvents({ trigger_id: [id] })
  const tail = useTail(id, events.isSuccess, events.data?.pages[0]?.position ?? null)
  const [isAsking, setAsking] = useState(false)
  const last = history.data?.pages[0]?.rows[0]

  if (isGone(history.error)) {
    return (
      <Page title="Trigger">
        <Empty title={words.gone.unknown}>
          <p>{words.gone.unknownTold}</p>
          <p className="mono quiet">{id}</p>
          <ButtonLink href="/triggers">{words.gone.toAll}</ButtonLink>
        </Empty>
      </Page>
    )
  }
  if (!last) {
    return (
      <Page title="Trigger">
        <Away query={history}>
          <Skeleton rows={6} />
        </Away>
      </Page>
    )
  }
  const { definition } = last
  return (
    <Page
      title={definition.name}
      actions={
        <Button kind="primary" onClick={() => setAsking(true)}>
          {words.gone.again}
        </Button>
      }
    >
      <div className="gone">
        <h2>{words.gone.title}</h2>
        <p>
          <Instant at={last.at} schedule={definition.timezone} /> (<Relative at={last.at} />){' '}
          {words.history.by} <ActorName actor={last.actor} />. {words.gone.told}
        </p>
      </div>
      <div className="trigger-tabs">
        <Tabs
          label={words.tabs.label}
          value={oneOf(search.get('tab'), TABS)}
          onChange={(tab) =>
            change({ tab: tab === 'history' ? null : tab, version: null, kind: null })
          }
          tabs={[
            {
              value: 'history',
              label: words.tabs.history,
              content: () => <HistoryTab id={id} current={null} />,
            },
            {
              value: 'log',
              label: words.tabs.log,
              content: () => (
                <LogTab id={id} zone={definition.timezone ?? 'UTC'} arrived={tail.arrived} />
              ),
            },
          ]}
        />
        <div className="trigger-zone">
          <ZoneSwitch />
        </div>
      </div>
      <Again id={id} version={isAsking ? last : null} onClose={() => setAsking(false)} />
    </Page>
  )
}
