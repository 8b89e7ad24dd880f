import type { Occurrence } from '../../api/schedules'
import { Wall } from './NextFires'
import { words } from './text'

const SHOWN = 5

/** Next fires before and after a change, side by side; those that only one side has are marked. */
export function Ahead({
  before,
  after,
}: {
  before: readonly Occurrence[] | null
  after: readonly Occurrence[]
}) {
  return (
    <div className="ahead">
      {before ? <Side title={words.restore.before} list={before} other={after} sign="−" /> : null}
      <Side
        title={before ? words.restore.after : words.again.fires}
        list={after}
        other={before ?? after}
        sign="+"
      />
    </div>
  )
}

interface SideProps {
  title: string
  list: readonly Occurrence[]
  other: readonly Occurrence[]
  sign: string
}

function Side({ title, list, other, sign }: SideProps) {
  const both = new Set(other.map((each) => each.scheduled_for))
  return (
    <div>
      <h3>{title}</h3>
      {list.length === 0 ? <p className="quiet">{words.restore.none}</p> : null}
      <ol>
        {list.slice(0, SHOWN).map((each) => {
          const isOwn = !both.has(each.scheduled_for)
          return (
            <li key={each.scheduled_for} className={isOwn ? 'ahead-own' : undefined}>
              <span aria-hidden="true" className="mono ahead-sign">
                {isOwn ? sign : ''}
              </span>
              <Wall occurrence={each} />
            </li>
          )
        })}
      </ol>
    </div>
  )
}
