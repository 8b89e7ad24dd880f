import { text } from '../text'
import { useSecond } from '../time/clock'
import { Instant } from '../time/Instant'
import { span } from '../time/relative'
import { Portion } from './Portion'
import './Marks.css'

interface Props {
  loggedAt: string
  archivesAt: string
  deletesAt: string
  /** The zone of the schedule that it is of. */
  schedule?: string | null
  /** A row of a table has one line for it: words that come next alone. */
  isShort?: boolean
}

/** A bar that drains from the row's birth to its end, with a notch where it is archived. */
export function LifeClock({ loggedAt, archivesAt, deletesAt, schedule, isShort }: Props) {
  const now = useSecond()
  const [born, archives, ends] = [loggedAt, archivesAt, deletesAt].map(
    (at) => Date.parse(at) / 1000,
  ) as [number, number, number]
  const zone = schedule ?? null
  const steps = [
    { isAhead: now < archives, said: text.life.archives(span(archives - now)), at: archivesAt },
    { isAhead: now < ends, said: text.life.deletes(span(ends - now)), at: deletesAt },
  ].filter(({ isAhead }) => isAhead)
  return (
    <div className="life">
      <Portion part={(ends - now) / (ends - born)} notch={(ends - archives) / (ends - born)} />
      {isShort || steps.length === 0 ? (
        <span className="life-words">{steps[0]?.said ?? text.life.gone}</span>
      ) : (
        steps.map(({ said, at }) => (
          <span className="life-words" key={at}>
            {said}: <Instant at={at} schedule={zone} />
          </span>
        ))
      )}
    </div>
  )
}
