import { asApiError } from '../../api/problem'
import { FieldErrors } from '../../parts/FieldErrors'
import { Refusal } from '../../parts/Refusal'

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
