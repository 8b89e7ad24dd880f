import type { EventRow } from '../../api/events'
import { Button } from '../../parts/Button'
import { resultOf, Tag } from '../../parts/Tag'
import { Wall } from '../../parts/Times'
import { instant } from '../../time/format'
import { Instant, Relative } from '../../time/Instant'
import { relative } from '../../time/relative'
import { useZoneMode } from '../../time/zone'
import type { Mark } from './marks'
import { detailOf } from './Recent'
import { words } from './text'

/** What a mark is, in one sentence. */
export function sayMark(mark: Mark, now: number, zone: string): string {
  if (mark.kind === 'due') {
    const what = mark.at < now ? words.axis.over : words.axis.due
    return `${what} ${instant(mark.at, zone, now)}, ${relative(mark.at, now)}`
  }
  return `${mark.kind} ${instant(mark.at, zone, now, true)}, ${detailOf(mark.row)}`
}

interface Props {
  mark: Mark | null
  zone: string
  now: number
  /** Where there is no mark at all. */
  nothing: string
  onOpen: (row: EventRow) => void
}

/** The chosen mark, to the eye: of one height, whatever it is. */
export function Readout({ mark, zone, now, nothing, onOpen }: Props) {
  const { mode } = useZoneMode()
  return (
    <div className="axis-readout">
      {mark === null ? <p className="quiet">{nothing}</p> : null}
      {mark?.kind === 'due' ? (
        <p>
          <span className="axis-due-word">{mark.at < now ? words.axis.over : words.axis.due}</span>{' '}
          {mode === 'schedule' ? (
            <Wall occurrence={mark.occurrence} zone={zone} />
          ) : (
            <Instant at={mark.occurrence.scheduled_for} />
          )}{' '}
          <span className="quiet">
            <Relative at={mark.occurrence.scheduled_for} />
          </span>
        </p>
      ) : null}
      {mark && mark.kind !== 'due' ? (
        <>
          <Tag result={resultOf(mark.row)} />
          <Instant at={mark.row.fired_at ?? mark.row.logged_at} schedule={zone} precise />
          <span className="quiet clip" title={detailOf(mark.row)}>
            {detailOf(mark.row)}
          </span>
          <Button kind="quiet" onClick={() => onOpen(mark.row)}>
            {words.axis.open}
          </Button>
        </>
      ) : null}
    </div>
  )
}
