import { useSession } from '../../api/session'

/** Who did it: the reader's own key by that word, others by what the history has. */
export function ActorName({ actor }: { actor: string }) {
  const session = useSession()
  const isOwn = session.data?.key_id && actor === `key:${session.data.key_id}`
  return isOwn ? <span title={actor}>you ({actor})</span> : <span>{actor}</span>
}
