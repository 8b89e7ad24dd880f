import type { useNext } from '../../api/trigger'
import { Skeleton } from '../../parts/Skeleton'
import { ClockChanges, Times } from '../../parts/Times'
import { useSecond } from '../../time/clock'
import { Away } from './Away'
import { Card } from './Card'
import { words } from './text'

const ROW = 28
const SHOWN = 10

/** What is to come: the list loses what is due, and the server tells what follows. */
export function NextFires({ next, zone }: { next: ReturnType<typeof useNext>; zone: string }) {
  const now = useSecond() * 1000
  const coming = (next.data?.occurrences ?? []).filter(
    ({ scheduled_for }) => Date.parse(scheduled_for) > now,
  )
  return (
    <Card title={words.next.title}>
      {next.data ? (
        <div className="card-body">
          {next.data.occurrences.length === 0 ? (
            <p>{words.next.none}</p>
          ) : coming.length === 0 ? (
            // All of those are past: the server is being asked what follows.
            <Skeleton rows={1} height={ROW} />
          ) : (
            <Times list={coming.slice(0, SHOWN)} zone={zone} />
          )}
          <ClockChanges list={next.data.clock_changes} />
        </div>
      ) : (
        <Away query={next}>
          <Skeleton rows={SHOWN} height={ROW} />
        </Away>
      )}
    </Card>
  )
}
