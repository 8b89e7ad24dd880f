import { asApiError } from '../../api/problem'
import { Refusal } from '../../parts/Refusal'
import { FieldErrors } from './FieldErrors'

/** Why the server would not: the fields by their pointers, and the request to ask about. */
export function Refused({ error, title }: { error: unknown; title: string }) {
  const { errors } = asApiError(error)
  return (
    <>
      <Refusal error={error} lead={title} />
      <FieldErrors errors={errors} />
    </>
  )
}
