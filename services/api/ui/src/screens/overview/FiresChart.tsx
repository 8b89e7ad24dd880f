import { useLocation } from 'wouter'
import type { Stats } from '../../api/events'
import { useOverview } from '../../api/operations'
import { Histogram } from '../../parts/Histogram'
import { serverNow } from '../../time/clock'
import { words } from './text'

const SERIES = ['fired', 'missed', 'rejected'] as const

/** What became of all that was due or asked for; a part of it, chosen, is shown in the log. */
export function FiresChart({ stats }: { stats: Stats }) {
  const [, go] = useLocation()
  const overview = useOverview()

  function show(from: string, to: string): void {
    const address = new URLSearchParams({ from, to, test: 'without' })
    const active = (overview.data?.lives.active_for_s ?? 0) * 1000
    // The log shows one life at a time: the one in which most of the part lies.
    const middle = (Date.parse(from) + Date.parse(to)) / 2
    if (active > 0 && middle < serverNow() - active) address.set('life', 'archived')
    go(`/events?${address}`)
  }

  return (
    <Histogram
      label={words.fires}
      bars={stats.buckets}
      from={stats.from}
      to={stats.to}
      series={SERIES}
      words={words.counts}
      onZoom={show}
    />
  )
}
