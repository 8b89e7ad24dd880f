import { Button, ButtonLink } from '../../parts/Button'
import { text } from '../../text'
import { Refused } from './Refused'
import { words } from './text'

interface Props {
  id: string
  error: unknown
  onRetry: () => void
}

/** An old definition that is refused today: to be tried again, or adapted in a form. */
export function Impossible({ id, error, onRetry }: Props) {
  return (
    <>
      <Refused error={error} title={words.restore.refused} />
      <div className="trigger-ways">
        <Button onClick={onRetry}>{text.state.retry}</Button>
        <ButtonLink href={`/triggers/new?copy=${id}`}>{words.restore.adapt}</ButtonLink>
      </div>
    </>
  )
}
