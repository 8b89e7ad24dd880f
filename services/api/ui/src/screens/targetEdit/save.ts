/** From the form of a target to the platform: refusals as places in the form, 202 followed. */
import { type ApiError, asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { readTargetsById } from '../../api/targets'
import type { Fields } from '../edit/draft'
import type { Fault, Placed } from '../edit/pointers'
import type { TargetDraft } from './draft'
import { inOrder, placed } from './pointers'

/** What is edited, as it was when it was opened. */
export interface Opened {
  id: string
  version: number
  fields: Fields
}

/** Why a save came to nothing. */
export type Refusal =
  | { kind: 'fields'; errors: Placed[] }
  | { kind: 'conflict' }
  | { kind: 'failed'; error: ApiError }

export function refusalOf(error: unknown, draft: TargetDraft): Refusal {
  const known = asApiError(error)
  if (known.status === 412) return { kind: 'conflict' }
  if (known.status === 422 || known.status === 400) {
    const errors: readonly Fault[] =
      known.errors.length > 0 ? known.errors : [{ pointer: '', message: known.detail }]
    return { kind: 'fields', errors: inOrder(errors.map((each) => placed(each, draft))) }
  }
  return { kind: 'failed', error: known }
}

/** Waits until what was stored is applied: a target that is there, in a version after `version`. */
export async function applied(
  written: { done: boolean; value: { id: string } },
  version: number,
  isWanted: () => boolean,
): Promise<void> {
  while (!written.done && isWanted()) {
    try {
      // Asked for in a list: that it is not there yet is no failure.
      const [found] = await readTargetsById([written.value.id])
      if (found && found.version > version) return
    } catch (error) {
      if (!asApiError(error).isAway) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

/** Everything that shows targets asks again. */
export function forget(): void {
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/targets'),
  })
}
