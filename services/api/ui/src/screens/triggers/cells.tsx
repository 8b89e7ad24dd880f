/** What the columns show of a trigger: each drawn anew only where what it shows is another. */
import { memo } from 'react'
import { Link } from 'wouter'
import { expressionOf, zoneOf } from '../../api/definition'
import type { Trigger } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { type MenuAt, MenuButton } from '../../parts/MenuButton'
import { Sparkline } from '../../parts/Sparkline'
import { resultOf, Tag } from '../../parts/Tag'
import { Instant, Relative } from '../../time/Instant'
import { measured } from '../../time/relative'
import { type Activity, oddOf, reasonOf } from './results'
import { words } from './text'

export const Name = memo(function Name({ trigger, isGone }: { trigger: Trigger; isGone: boolean }) {
  return (
    <div className="cell-two">
      <Link href={`/triggers/${trigger.id}`} className="way-name clip" title={trigger.name}>
        {trigger.name}
      </Link>
      {trigger.labels.length > 0 || isGone ? (
        <div className="quiet small clip">
          {isGone ? words.deleted : trigger.labels.join(' · ')}
        </div>
      ) : null}
    </div>
  )
})

export const Schedule = memo(function Schedule({ trigger }: { trigger: Trigger }) {
  const zone = zoneOf(trigger)
  const said =
    trigger.in_words?.replace(/\.$/, '') ?? (trigger.type === 'api' ? 'Fires on request' : '')
  return (
    <div className="cell-two">
      <div className="clip" title={said}>
        {said}
      </div>
      <div className="quiet small clip">
        <span className="mono raw">{expressionOf(trigger) ?? 'api'}</span> {zone}
      </div>
    </div>
  )
})

export const Next = memo(function Next({ trigger }: { trigger: Trigger }) {
  if (trigger.next_fire_at === null) {
    return <span className="quiet">{trigger.type === 'api' ? words.onRequest : words.over}</span>
  }
  return (
    <div className="cell-two">
      <div className="clip">
        <Instant
          at={trigger.next_fire_at}
          schedule={trigger.timezone}
          local={trigger.next_fire_local}
        />
      </div>
      <div className="quiet small">
        <Relative at={trigger.next_fire_at} due={words.dueNow} />
      </div>
    </div>
  )
})

interface LastProps {
  activity: Activity | undefined
  /** How long the log is kept. */
  kept: string | null
}

export const Last = memo(function Last({ activity, kept }: LastProps) {
  if (!activity) return null
  const event = activity.last
  if (!event) return <span className="quiet small">{words.noResult(kept)}</span>
  const result = resultOf(event)
  const aside = event.lateness === null ? reasonOf(event) : measured(event.lateness)
  return (
    <Link href={`/events/${event.id}`} className={`way-result is-${result}`}>
      <Tag result={result} />
      {aside ? (
        <span className={event.lateness === null ? 'cell-reason' : 'mono clip'} title={aside}>
          {aside}
        </span>
      ) : null}
    </Link>
  )
})

export const Points = memo(function Points({ activity }: { activity: Activity | undefined }) {
  if (!activity) return null
  const { points } = activity
  return <Sparkline points={points} label={words.points(points.length, oddOf(points))} />
})

interface ActionsProps {
  trigger: Trigger
  isGone: boolean
  onMenu: (at: MenuAt<Trigger>) => void
  onFire: (trigger: Trigger) => void
}

export const Actions = memo(function Actions({ trigger, isGone, onMenu, onFire }: ActionsProps) {
  return (
    <div className="row-actions">
      <Button
        kind="quiet"
        isSign
        disabled={isGone}
        aria-label={words.fire(trigger.name)}
        onClick={() => onFire(trigger)}
      >
        <Icon name="play" />
      </Button>
      <MenuButton payload={trigger} label={words.more(trigger.name)} onOpen={onMenu} />
    </div>
  )
})
