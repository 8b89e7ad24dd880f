import { Link } from 'wouter'
import type { Delivery, EventDetail } from '../../api/events'
import { useTargetsById } from '../../api/targets'
import { type Result, Tag } from '../../parts/Tag'
import { Instant, Relative } from '../../time/Instant'
import { nameOf } from '../targets/place'
import { Redeliver } from './Redeliver'
import { Try } from './Try'
import { words } from './text'

const said = words.delivery

/** By the signs that the log has already: arrived, on its way, given up, never sent. */
const SIGNS: Readonly<Record<Delivery['state'], Result>> = {
  delivered: 'fired',
  pending: 'late',
  dead: 'rejected',
  blocked: 'missed',
}

/** Where an event was delivered, or is to be: what was sent, what came back, when it is tried next. */
export function Deliveries({ event, zone }: { event: EventDetail; zone: string | null }) {
  const { deliveries } = event
  const read = useTargetsById(deliveries.map(({ target_id }) => target_id))
  const names = new Map(read.data?.map((target) => [target.id, nameOf(target)]))
  // Its id until its name is known, or for ever when it is deleted: a link always says where it goes.
  const nameOfTarget = (id: string) => names.get(id) ?? id
  return (
    <ul className="deliveries">
      {deliveries.map((delivery) => (
        <li key={delivery.id} className="delivery">
          <div className="delivery-line">
            <Tag result={SIGNS[delivery.state]} word={words.deliveries[delivery.state]} />
            <Link href={`/targets/${delivery.target_id}`} className="clip">
              {nameOfTarget(delivery.target_id)}
            </Link>
            <Redeliver delivery={delivery} name={nameOfTarget(delivery.target_id)} />
          </div>
          <Outlook delivery={delivery} zone={zone} />
          {delivery.attempts.length > 0 ? (
            <details open={delivery.state !== 'delivered'}>
              <summary>
                {said.attempts(delivery.attempt_count)}
                {delivery.round > 1 ? `, ${said.rounds(delivery.round)}` : ''}
              </summary>
              <ol className="attempts">
                {delivery.attempts.map((attempt) => (
                  <li key={`${attempt.round} ${attempt.attempt} ${attempt.epoch}`}>
                    <Try attempt={attempt} zone={zone} />
                  </li>
                ))}
              </ol>
            </details>
          ) : null}
        </li>
      ))}
    </ul>
  )
}

/** Why it ended, or what it waits for and when it is tried next. */
function Outlook({ delivery, zone }: { delivery: Delivery; zone: string | null }) {
  const { waits_for, next_attempt_at } = delivery
  if (delivery.reason) return <p>{said.reasons[delivery.reason]}</p>
  if (delivery.state !== 'pending') return null
  // What else is in its way ends at a time that nobody knows.
  const isTimed = waits_for === null || waits_for === 'schedule'
  return (
    <p>
      {waits_for ? <span className="quiet">{said.waits[waits_for]} </span> : null}
      {isTimed && next_attempt_at ? (
        <>
          {said.next} <Instant at={next_attempt_at} schedule={zone} /> (
          <Relative at={next_attempt_at} due={said.dueNow} />)
        </>
      ) : null}
    </p>
  )
}
