import { asApiError } from '../../api/problem'
import { Button, ButtonLink } from '../../parts/Button'
import { Empty, Failed } from '../../parts/States'
import { Instant } from '../../time/Instant'
import { bornAt } from './ids'
import { words } from './text'

interface Props {
  id: string
  error: unknown
  onRetry: () => void
}

/** Why an event is not shown: erased at the end of its life, never there, or out of reach. */
export function NotThere({ id, error, onRetry }: Props) {
  const known = asApiError(error)
  if (known.status === 410) {
    const born = bornAt(id)
    return (
      <Empty title={words.gone}>
        {born ? (
          <p>
            {words.goneAt} <Instant at={born} />.
          </p>
        ) : null}
        <p className="quiet">{known.detail}</p>
        <ButtonLink href="/events">{words.event.back}</ButtonLink>
      </Empty>
    )
  }
  if (known.status === 404) {
    return (
      <Empty title={words.absent}>
        <p className="quiet">{words.absentHint}</p>
        <p className="events-ways">
          <Button onClick={onRetry}>Try again</Button>
          <ButtonLink href="/events">{words.event.back}</ButtonLink>
        </p>
      </Empty>
    )
  }
  return <Failed error={error} onRetry={onRetry} />
}
