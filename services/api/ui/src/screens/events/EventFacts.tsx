import { type ReactNode, useId } from 'react'
import { Link } from 'wouter'
import { type EventDetail, useEvents } from '../../api/events'
import { useTriggersById } from '../../api/triggers'
import { Copy } from '../../parts/Copy'
import { curlOf } from '../../parts/curl'
import { FieldErrors } from '../../parts/FieldErrors'
import { LifeClock } from '../../parts/LifeClock'
import { Course } from './Course'
import { ResultTag } from './columns'
import { Deliveries } from './Deliveries'
import { Elsewhere } from './Elsewhere'
import { Payload } from './Payload'
import { ReplayOne } from './ReplayOne'
import { words } from './text'

interface Props {
  event: EventDetail
  /** Leads to another event: in the drawer that is the same page. */
  to: (id: string) => string
  onReplayed: (id: string) => void
}

/** All that is known of an event; the same in the drawer and on its own page. */
export function EventFacts({ event, to, onReplayed }: Props) {
  const { event: said } = words
  const trigger = useTriggersById([event.trigger_id]).data?.[0]
  const link = `${location.origin}/ui/events/${event.id}`
  return (
    <div className="event-facts">
      <p className="event-line">
        <ResultTag row={event} />
        <span className="quiet">{event.source}</span>
        <span className="event-copies">
          <Copy text={event.id} label={said.copyId}>
            {said.copyId}
          </Copy>
          <Copy text={link} label={said.copyLink}>
            {said.copyLink}
          </Copy>
          <Copy text={curlOf(`/events/${event.id}`)} label={said.copyCurl}>
            {said.copyCurl}
          </Copy>
        </span>
      </p>
      <Part title={said.course}>
        <Course event={event} zone={trigger?.timezone ?? null} />
      </Part>
      {event.reason ? (
        <Part title={said.why[event.status] ?? ''}>
          <p>{event.reason}</p>
        </Part>
      ) : null}
      {event.errors.length > 0 ? (
        <Part title={said.wrong}>
          <FieldErrors errors={event.errors} />
        </Part>
      ) : null}
      {event.status === 'fired' ? (
        <Part title={said.deliveries}>
          {event.deliveries.length > 0 ? (
            <Deliveries event={event} zone={trigger?.timezone ?? null} />
          ) : (
            <p className="quiet">{words.delivery.toNone}</p>
          )}
          <Elsewhere key={event.id} id={event.id} />
        </Part>
      ) : null}
      <Part title={said.by}>
        <p className="event-line">
          <Link href={`/triggers/${event.trigger_id}`}>{event.trigger_name}</Link>
          <Link href={`/triggers/${event.trigger_id}?tab=history&version=${event.trigger_version}`}>
            {said.version(event.trigger_version)}
          </Link>
          <Link href={`/events?trigger=${event.trigger_id}`}>{said.inLog}</Link>
        </p>
      </Part>
      <Relations event={event} to={to} />
      <Part title={said.payload}>
        <Payload event={event} />
      </Part>
      <Part title={said.life}>
        <LifeClock
          loggedAt={event.logged_at}
          archivesAt={event.archives_at}
          deletesAt={event.deletes_at}
          schedule={trigger?.timezone ?? null}
        />
      </Part>
      <ReplayOne key={event.id} event={event} to={to} onReplayed={onReplayed} />
    </div>
  )
}

/** A replay and its origin, in both directions. */
function Relations({ event, to }: Pick<Props, 'event' | 'to'>) {
  const replays = useEvents({ replay_of: event.id })
  const found = replays.isPlaceholderData ? [] : (replays.data?.pages[0]?.rows ?? [])
  return (
    <>
      {event.replay_of ? (
        <Part title={words.event.replayOf}>
          <p>
            <Link className="mono" href={to(event.replay_of)}>
              {event.replay_of}
            </Link>
          </p>
        </Part>
      ) : null}
      {found.length > 0 ? (
        <Part title={words.event.replays}>
          <ul>
            {found.map((row) => (
              <li key={row.id} className="event-line">
                <Link className="mono" href={to(row.id)}>
                  {row.id}
                </Link>
                <ResultTag row={row} />
              </li>
            ))}
          </ul>
        </Part>
      ) : null}
    </>
  )
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = useId()
  return (
    <section className="event-part" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  )
}
