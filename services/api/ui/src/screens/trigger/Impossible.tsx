import { Button, ButtonLink } from '../../parts/Button'
import { text } from '../../text'
import { Refused } from './Refused'
import { words } from './text'

interface Props {
  id: string
  /** That was refused: what is adapted is its definition, of a trigger that may be gone. */
  version: number
  looked: { error: unknown; refetch: () => unknown }
}

/** An old definition that is refused today: to be tried again, or adapted in a form. */
export function Impossible({ id, version, looked }: Props) {
  return (
    <>
      <Refused error={looked.error} title={words.restore.refused} />
      <div className="trigger-ways">
        <Button onClick={() => void looked.refetch()}>{text.state.retry}</Button>
        <ButtonLink href={`/triggers/new?copy=${id}&version=${version}`}>
          {words.restore.adapt}
        </ButtonLink>
      </div>
    </>
  )
}
