import { Link } from 'wouter'
import { useTargetsById } from '../../api/targets'
import type { Trigger } from '../../api/triggers'
import { HealthOf } from '../targets/HealthOf'
import { nameOf } from '../targets/place'
import { Card } from './Card'
import { words } from './text'

/** Where its events are delivered, and how each of these is. */
export function Delivered({ trigger }: { trigger: Trigger }) {
  const read = useTargetsById(trigger.targets)
  const known = new Map(read.data?.map((target) => [target.id, target]))
  const { delivered } = words
  return (
    <Card
      title={delivered.title}
      aside={
        <Link href={`/events?delivery=pending,dead,blocked&trigger=${trigger.id}`}>
          {delivered.open}
        </Link>
      }
    >
      <ul>
        {trigger.targets.map((id) => {
          const target = known.get(id)
          return (
            <li key={id} className="delivered-row">
              {/* Of one that is being read: its row is there, and does not move. */}
              {target ? (
                <>
                  <Link href={`/targets/${id}`} className="clip">
                    {nameOf(target)}
                  </Link>
                  <HealthOf target={target} />
                </>
              ) : read.isSuccess && !read.isPlaceholderData ? (
                <span className="quiet clip">
                  {id}, {delivered.gone}
                </span>
              ) : null}
            </li>
          )
        })}
      </ul>
    </Card>
  )
}
