import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { asApiError } from '../../api/problem'
import { askAgain, queries } from '../../api/queries'
import { readTarget, type Target as Shown } from '../../api/targets'
import { oneOf, useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { Button, ButtonLink } from '../../parts/Button'
import { lazily } from '../../parts/lazily'
import { Skeleton } from '../../parts/Skeleton'
import { Stale } from '../../parts/States'
import { type Tab, Tabs } from '../../parts/Tabs'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { nameOf } from '../targets/place'
import { words as targets } from '../targets/text'
import { Deliveries } from './Deliveries'
import { Facts } from './Facts'
import { SecretOnce } from './Secret'
import { Settings } from './Settings'
import '../../parts/Sheet.css'
import '../trigger/Trigger.css'
import './Target.css'
import { words } from './text'

const Gone = lazily(async () => ({ default: (await import('./Gone')).Gone }), <Skeleton />)
const History = lazily(async () => ({ default: (await import('./History')).History }), <Skeleton />)
const Test = lazily(async () => ({ default: (await import('./Test')).Test }))
const Rotate = lazily(async () => ({ default: (await import('./Rotate')).Rotate }))
const DeleteTarget = lazily(async () => ({
  default: (await import('../targets/DeleteTarget')).DeleteTarget,
}))

const EVERY = 10_000
const isGone = (error: unknown): boolean =>
  error !== null && [404, 410].includes(asApiError(error).status)

/** One target: what it is, what is set, who changed it. */
export default function Target({ id }: { id: string }) {
  const target = useQuery({
    queryKey: ['/targets', id],
    queryFn: ({ signal }) => readTarget(id, signal),
    // What is gone stays gone.
    refetchInterval: ({ state }) => (isGone(state.error) ? false : EVERY),
  })
  const version = target.data?.version
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version is one more to be read
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: ['/targets', id, 'history'] })
  }, [id, version])

  if (isGone(target.error)) return <Gone id={id} />
  if (!target.data) {
    return (
      <Page title={targets.one}>
        {isInTrouble(target) ? <Trouble query={target} /> : <Skeleton rows={8} />}
      </Page>
    )
  }
  const { failureReason, failureCount, dataUpdatedAt } = target
  return (
    <Page title={nameOf(target.data)} actions={<Actions target={target.data} />}>
      {failureReason ? (
        <Stale
          error={failureReason}
          since={dataUpdatedAt}
          failures={failureCount}
          onRetry={askAgain}
        />
      ) : null}
      <div className={failureReason ? 'target is-stale' : 'target'}>
        <SecretOnce id={id} />
        <Facts target={target.data} />
        <Views target={target.data} />
      </div>
    </Page>
  )
}

export const TABS = ['now', 'history'] as const

function Views({ target }: { target: Shown }) {
  const { search, change } = useAddress()
  const tabs: Tab<(typeof TABS)[number]>[] = [
    { value: 'now', label: words.tabs.now, content: () => <Now target={target} /> },
    {
      value: 'history',
      label: words.tabs.history,
      content: () => <History id={target.id} current={target.version} />,
    },
  ]
  return (
    <div className="trigger-tabs">
      <Tabs
        label={words.tabs.label}
        tabs={tabs}
        value={oneOf(search.get('tab'), TABS)}
        onChange={(tab) => change({ tab: tab === 'now' ? null : tab, version: null })}
      />
      <div className="trigger-zone">
        <ZoneSwitch hasSchedule={false} />
      </div>
    </div>
  )
}

/** What waits beside what is set. */
function Now({ target }: { target: Shown }) {
  return (
    <div className="target-now">
      <Settings target={target} />
      <Deliveries target={target} />
    </div>
  )
}

function Actions({ target }: { target: Shown }) {
  const [, go] = useLocation()
  const [asked, ask] = useState<'test' | 'rotate' | 'delete' | null>(null)
  const close = () => ask(null)
  return (
    <>
      <Button onClick={() => ask('test')}>{words.actions.test}</Button>
      <ButtonLink href={`/targets/${target.id}/edit`}>{words.actions.edit}</ButtonLink>
      {target.type === 'webhook' ? (
        <Button onClick={() => ask('rotate')}>{words.actions.rotate}</Button>
      ) : null}
      <Button kind="danger" onClick={() => ask('delete')}>
        {words.actions.remove}
      </Button>
      {asked === 'test' ? <Test target={target} onClose={close} /> : null}
      {asked === 'rotate' ? <Rotate target={target} onClose={close} /> : null}
      {asked === 'delete' ? (
        <DeleteTarget target={target} onClose={close} onDeleted={() => go('/targets')} />
      ) : null}
    </>
  )
}
