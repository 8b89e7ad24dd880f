/** Why a save came to nothing, as places in its form. */
import { type ApiError, asApiError } from '../../api/problem'
import type { Fault, Placed } from './pointers'

export type Refusal =
  | { kind: 'fields'; errors: readonly Placed[] }
  | { kind: 'conflict' }
  | { kind: 'failed'; error: ApiError }

/** Where the form shows each fault, in the form's order. */
export type Place = (faults: readonly Fault[]) => Placed[]

export function refusalOf(error: unknown, place: Place): Refusal {
  const known = asApiError(error)
  if (known.status === 412) return { kind: 'conflict' }
  if (known.status === 422 || known.status === 400) {
    const faults = known.errors.length > 0 ? known.errors : [{ pointer: '', message: known.detail }]
    return { kind: 'fields', errors: place(faults) }
  }
  return { kind: 'failed', error: known }
}
