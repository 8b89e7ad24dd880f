import type { Occurrence } from '../api/schedules'
import { text } from '../text'
import { Wall } from './Times'

const words = text.times

interface Props {
  before: readonly Occurrence[]
  after: readonly Occurrence[]
  /** The schedule's, after it. */
  zone: string
  /** What the two are called, where that is not before and after. */
  titles?: readonly [string, string]
  /** So many of each, at most. */
  shown?: number
}

/** Next fires before and after a change, side by side; an instant that only one of them has is
 * marked. What lies beyond the other's last one is not: it may go on there. */
export function BeforeAfter({ before, after, zone, titles, shown = 10 }: Props) {
  const [first, second] = titles ?? [words.before, words.after]
  return (
    <div className="times-sides">
      <Side title={first} list={before} other={after} {...{ zone, shown }} mark="−" />
      <Side title={second} list={after} other={before} {...{ zone, shown }} mark="+" />
    </div>
  )
}

interface SideProps {
  title: string
  list: readonly Occurrence[]
  other: readonly Occurrence[]
  zone: string
  shown: number
  mark: '+' | '−'
}

function Side({ title, list, other, zone, shown, mark }: SideProps) {
  const known = new Set(other.map((each) => each.scheduled_for))
  const last = other.length < shown ? undefined : other[shown - 1]?.scheduled_for
  const end = last === undefined ? Number.POSITIVE_INFINITY : Date.parse(last)
  const [said, looks] = mark === '+' ? [words.isNew, 'is-added'] : [words.isGone, 'is-removed']
  return (
    <div>
      <h3>{title}</h3>
      {list.length === 0 ? <p className="quiet">{words.none}</p> : null}
      <ol>
        {list.slice(0, shown).map((each) => {
          const isBeyond = Date.parse(each.scheduled_for) > end
          const isOwn = !known.has(each.scheduled_for) && !isBeyond
          return (
            <li
              key={each.scheduled_for}
              className={isOwn ? looks : isBeyond ? 'quiet' : undefined}
              title={isBeyond ? words.beyond : undefined}
            >
              <span aria-hidden="true" className="mono times-mark">
                {isOwn ? mark : ' '}
              </span>
              {isOwn ? <span className="unseen">{said}: </span> : null}
              <Wall occurrence={each} zone={zone} />
            </li>
          )
        })}
      </ol>
    </div>
  )
}
