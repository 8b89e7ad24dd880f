import { asApiError } from '../api/problem'
import { ErrorCode } from './ErrorCode'
import './Refusal.css'

/** What was refused, inside of a form or a dialog: why, by which code, and the request's id. */
export function Refusal({ error, lead }: { error: unknown; lead?: string }) {
  const known = asApiError(error)
  return (
    <div className="refusal" role="alert">
      <p>
        {lead ? `${lead}: ` : ''}
        {known.isAway ? `the platform is away (${known.detail})` : known.detail}
      </p>
      <ErrorCode error={known} />
    </div>
  )
}
