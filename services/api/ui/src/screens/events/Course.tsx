import type { ReactNode } from 'react'
import type { EventDetail } from '../../api/events'
import { resultOf } from '../../parts/Tag'
import { Instant } from '../../time/Instant'
import { measured } from '../../time/relative'
import { words } from './text'

/** Due, fired, logged: each with what lies between. */
export function Course({ event, zone }: { event: EventDetail; zone: string | null }) {
  const { scheduled_for: due, fired_at: fired, logged_at: logged } = event
  const between = fired ? (Date.parse(logged) - Date.parse(fired)) / 1000 : null
  return (
    <ol className="event-course">
      {due ? <Step name={words.event.due} at={due} zone={zone} /> : null}
      {fired ? (
        <Step name={words.event.fired} at={fired} zone={zone}>
          {event.lateness === null ? null : (
            <span className={`is-${resultOf(event)}`}>
              {words.event.afterDue(measured(event.lateness))}
              {event.misfire ? `, ${words.event.misfire}` : ''}
            </span>
          )}
        </Step>
      ) : null}
      <Step name={fired ? words.event.logged : words.event.decided} at={logged} zone={zone}>
        {between === null
          ? null
          : between < 0.00005
            ? words.event.atOnce
            : words.event.later(measured(between))}
      </Step>
      {event.count > 1 && event.last_scheduled_for ? (
        <li className="event-more">
          {words.event.stands(event.count)}{' '}
          <Instant at={event.last_scheduled_for} schedule={zone} />.
        </li>
      ) : null}
    </ol>
  )
}

function Step(props: { name: string; at: string; zone: string | null; children?: ReactNode }) {
  return (
    <li className="event-step">
      <span className="event-step-name">{props.name}</span>
      <Instant at={props.at} schedule={props.zone} precise />
      <span className="quiet event-step-aside">{props.children}</span>
    </li>
  )
}
