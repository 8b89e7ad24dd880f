import { Icon } from '../../parts/Icon'
import type { Mark } from './marks'

interface Props {
  mark: Mark
  x: number
  from: number
  y: number
  isChosen: boolean
  isFresh: boolean
  isOver: boolean
}

const HALF = 8

/** One of the axis: what happened by its sign, what is to come as a ring, how late as a tail. */
export function AxisMark({ mark, x, from, y, isChosen, isFresh, isOver }: Props) {
  const names = ['axis-mark', `is-${mark.kind}`, isOver && 'is-over', isFresh && 'is-fresh']
  return (
    <g className={names.filter(Boolean).join(' ')}>
      {x - from > 3 ? <path className="axis-tail" d={`M${from} ${y}H${x}`} /> : null}
      {isChosen ? <path className="axis-chosen" d={`M${x - 5} ${y - 24}h10l-5 7z`} /> : null}
      {mark.kind === 'due' ? (
        <circle className="axis-due" cx={x} cy={y} r="4.6" />
      ) : (
        <>
          <circle className="axis-ground" cx={x} cy={y} r="7" />
          <g transform={`translate(${x - HALF} ${y - HALF})`}>
            <Icon name={mark.kind} size={2 * HALF} />
          </g>
        </>
      )}
    </g>
  )
}
