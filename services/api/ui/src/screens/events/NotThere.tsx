import { useOverview } from '../../api/operations'
import { asApiError } from '../../api/problem'
import { Button, ButtonLink } from '../../parts/Button'
import { Empty } from '../../parts/States'
import { type Asked, Trouble } from '../../parts/Trouble'
import { Instant } from '../../time/Instant'
import { bornAt } from './ids'
import { words } from './text'

interface Props {
  id: string
  query: Asked & { refetch: () => unknown }
}

/** Why an event is not shown: erased at the end of its life, never there, or out of reach. */
export function NotThere({ id, query }: Props) {
  const known = asApiError(query.failureReason ?? query.error)
  if (known.status === 410) return <Erased id={id} detail={known.detail} />
  if (known.status === 404) {
    return (
      <Empty title={words.absent}>
        <p className="quiet">{words.absentHint}</p>
        <p className="log-ways">
          <Button onClick={() => void query.refetch()}>Try again</Button>
          <ButtonLink href="/events">{words.event.back}</ButtonLink>
        </p>
      </Empty>
    )
  }
  return <Trouble query={query} />
}

/** When it came about stands in its id; how long it was kept then, the platform says. */
function Erased({ id, detail }: { id: string; detail: string }) {
  const born = bornAt(id)
  const kept = useOverview().data?.lives.kept_for_s
  return (
    <Empty title={words.gone}>
      {born ? (
        <p>
          {words.goneAt} <Instant at={born} />
          {kept === undefined ? null : (
            <>
              , {words.goneUntil} <Instant at={later(born, kept)} />
            </>
          )}
          .
        </p>
      ) : null}
      <p className="quiet">{detail}</p>
      <ButtonLink href="/events">{words.event.back}</ButtonLink>
    </Empty>
  )
}

const later = (at: string, seconds: number): string =>
  new Date(Date.parse(at) + seconds * 1000).toISOString()
