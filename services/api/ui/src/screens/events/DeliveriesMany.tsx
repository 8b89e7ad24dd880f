import { useState } from 'react'
import type { EventFilter } from '../../api/events'
import { type Lives, useLives } from '../../api/operations'
import { queries } from '../../api/queries'
import type { BulkVerb } from '../../api/targets'
import { serverNow } from '../../time/clock'
import { Bulk } from '../deliveries/Bulk'
import { deliveriesOf } from './deliveriesOf'
import { endOf } from './endOf'
import { Named } from './Named'
import { words } from './text'
import { isNarrowed, type View } from './view'

interface Props {
  verb: BulkVerb
  filter: EventFilter
  view: View
  onClose: () => void
}

/** Delivers again, or gives up, what the filtered log shows. */
export function DeliveriesMany(props: Props) {
  const lives = useLives()
  // How far the active log goes is part of what is meant.
  return lives ? <Meant {...props} lives={lives} /> : null
}

function Meant({ verb, filter, view, lives, onClose }: Props & { lives: Lives }) {
  const [end] = useState(() => endOf(filter))
  const [meant] = useState(() => deliveriesOf(filter, end, lives, serverNow()))
  const said = words.deliver
  const chosen = view.delivery.filter((state) => state !== 'none')
  // What is narrowed to what has ended does not wait.
  const isNone = verb === 'cancel' && chosen.length > 0 && !chosen.includes('pending')
  return (
    <Bulk
      verb={verb}
      title={said.titles[verb]}
      filter={isNone || meant === null ? null : meant.filter}
      to={meant?.to ?? end}
      {...(chosen.length > 0 ? { states: chosen } : {})}
      about={
        isNarrowed(view) ? (
          <div>
            <p>{said.narrowed(view.life)}</p>
            <Named view={view} />
          </div>
        ) : (
          <p>{said.whole(view.life)}</p>
        )
      }
      onDone={() => void queries.invalidateQueries({ queryKey: ['/events/'] })}
      onClose={onClose}
    />
  )
}
