import { useLocation } from 'wouter'
import { useEvent } from '../../api/events'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { ButtonLink } from '../../parts/Button'
import { EventBody } from './EventBody'
import { words } from './text'
import './Events.css'

const pathOf = (id: string): string => `/events/${id}`

/** One event by its permalink. */
export default function Event({ id }: { id: string }) {
  const [, go] = useLocation()
  const event = useEvent(id)
  return (
    <Page
      title={event.data?.trigger_name ?? words.event.title}
      actions={
        <>
          <ZoneSwitch />
          {event.data ? <ButtonLink href="/events">{words.event.back}</ButtonLink> : null}
        </>
      }
    >
      <EventBody id={id} event={event} to={pathOf} onReplayed={(made) => go(pathOf(made))} />
    </Page>
  )
}
