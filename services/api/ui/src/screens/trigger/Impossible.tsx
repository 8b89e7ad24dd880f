import { Button, ButtonLink } from '../../parts/Button'
import { text } from '../../text'
import { Refused } from './Refused'
import { words } from './text'

interface Props {
  id: string
  /** That was refused: what is adapted is its definition, of a trigger that may be gone. */
  version: number
  error: unknown
  onRetry: () => void
}

/** An old definition that is refused today: to be tried again, or adapted in a form. */
export function Impossible({ id, version, error, onRetry }: Props) {
  return (
    <>
      <Refused error={error} title={words.restore.refused} />
      <div className="trigger-ways">
        <Button onClick={onRetry}>{text.state.retry}</Button>
        <ButtonLink href={`/triggers/new?copy=${id}&version=${version}`}>
          {words.restore.adapt}
        </ButtonLink>
      </div>
    </>
  )
}
