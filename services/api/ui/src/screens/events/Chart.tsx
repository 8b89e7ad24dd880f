import type { useStats } from '../../api/events'
import type { Changes } from '../../app/address'
import { Button } from '../../parts/Button'
import { Histogram } from '../../parts/Histogram'
import { NotRead } from '../../parts/NotRead'
import { isInTrouble } from '../../parts/Trouble'
import { words } from './text'
import { STATUSES, type View } from './view'

interface Props {
  stats: ReturnType<typeof useStats>
  view: View
  change: (changes: Changes) => void
  /** The log below says already that the platform is away: also of a chart that is there, but old. */
  isTold: boolean
}

/** How much was logged when: dragged over, it narrows the log. */
export function Chart({ stats, view, change, isTold }: Props) {
  const isInVain = !isTold && stats.data === undefined && isInTrouble(stats)
  if (!stats.data) {
    return (
      <div className="histogram histogram-none" role="status">
        {isInVain ? <NotRead query={stats} /> : null}
      </div>
    )
  }
  return (
    <Histogram
      label={words.histogram}
      bars={stats.data.buckets}
      from={stats.data.from}
      to={stats.data.to}
      series={STATUSES}
      words={words.counts}
      onZoom={(from, end) => change({ from, to: end })}
      aside={
        view.from || view.to ? (
          <Button
            kind="quiet"
            onClick={() => change({ from: null, to: null })}
            heir={() => document.querySelector('.histogram [role=slider]')}
          >
            {words.whole}
          </Button>
        ) : null
      }
    />
  )
}
