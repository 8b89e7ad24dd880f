import { text } from '../text'
import { useSecond } from '../time/clock'
import { span } from '../time/relative'
import './Marks.css'

interface Props {
  loggedAt: string
  archivesAt: string
  deletesAt: string
  /** A row of a table has one line for it: words that come next alone. */
  isShort?: boolean
}

/** A bar that drains from the row's birth to its end, with a notch where it is archived. */
export function LifeClock({ loggedAt, archivesAt, deletesAt, isShort }: Props) {
  const now = useSecond()
  const [born, archives, ends] = [loggedAt, archivesAt, deletesAt].map(
    (at) => Date.parse(at) / 1000,
  ) as [number, number, number]
  const left = Math.min(1, Math.max(0, (ends - now) / (ends - born)))
  const notch = ((ends - archives) / (ends - born)) * 100
  const words =
    now < archives
      ? text.life.archives(span(archives - now))
      : now < ends
        ? text.life.deletes(span(ends - now))
        : text.life.gone
  return (
    <div className="life">
      <svg
        className="life-bar"
        width="100%"
        height="5"
        preserveAspectRatio="none"
        viewBox="0 0 100 5"
        aria-hidden="true"
      >
        <rect className="life-ground" width="100" height="5" />
        <rect className="life-left" width={left * 100} height="5" />
        <rect className="life-notch" x={notch} width="1" height="5" />
      </svg>
      <span className="life-words">
        {words}
        {!isShort && now < archives ? `, ${text.life.deletes(span(ends - now))}` : ''}
      </span>
    </div>
  )
}
