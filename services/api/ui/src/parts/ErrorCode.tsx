import type { ApiError } from '../api/problem'
import { text } from '../text'
import { Copy } from './Copy'

/** By what one can ask about a refusal: its code, and the id of the request. */
export function ErrorCode({ error }: { error: ApiError }) {
  if (error.status <= 0) return null
  return (
    <p className="quiet mono">
      {error.status} {error.code}
      {error.requestId ? (
        <>
          {' · '}
          <Copy text={error.requestId} label={text.state.copyRequest} />
        </>
      ) : null}
    </p>
  )
}
