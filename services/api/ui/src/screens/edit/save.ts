/** From the form to the platform: refusals as places in the form, conflicts apart, 202 followed. */
import { type ApiError, asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { type DryRun, readTriggersById } from '../../api/triggers'
import { dryPatch, dryReplace, patch, replace, type Written } from '../../api/writes'
import { jsonFault } from '../../parts/jsonFault'
import type { Opened } from './ahead'
import type { Changes, Draft, Fields } from './draft'
import { scheduleOf } from './draft'
import { type Fault, type Placed, placed } from './pointers'

/** What the page itself can tell, all of it at once and before anything is sent. */
export function localErrors(draft: Draft): Placed[] {
  const found: Fault[] = []
  if (!draft.name.trim()) found.push({ pointer: '/name', message: 'Give it a name.' })
  if (draft.kind !== 'api' && scheduleOf(draft) === null) {
    const pointer = { once: '/schedule_time', interval: '/interval', cron: '/cron' }[draft.kind]
    found.push({ pointer, message: 'Say when it fires.' })
  }
  const json = {
    '/payload': draft.payload,
    ...(draft.kind === 'api' && { '/payload_schema': draft.schema }),
  }
  for (const [pointer, text] of Object.entries(json)) {
    const fault = jsonFault(text)
    if (fault) found.push({ pointer, message: fault.message })
  }
  return found.map((error) => placed(error, draft.kind))
}

/** Why a save came to nothing. */
export type Refusal =
  | { kind: 'fields'; errors: Placed[] }
  | { kind: 'conflict' }
  | { kind: 'failed'; error: ApiError }

export function refusalOf(error: unknown, draft: Draft): Refusal {
  const known = asApiError(error)
  if (known.status === 412) return { kind: 'conflict' }
  if (known.status === 422 || known.status === 400) {
    const errors: readonly Fault[] =
      known.errors.length > 0 ? known.errors : [{ pointer: '', message: known.detail }]
    return { kind: 'fields', errors: errors.map((each) => placed(each, draft.kind)) }
  }
  return { kind: 'failed', error: known }
}

/** What a save would do. A whole definition is compared on its version, too: by the save itself. */
export function drySave(opened: Opened, changes: Changes, mine: Fields): Promise<DryRun> {
  return changes.isWhole
    ? dryReplace(opened.id, mine as never)
    : dryPatch(opened.id, changes.patch, opened.version)
}

export function saveEdit(opened: Opened, changes: Changes, mine: Fields) {
  return changes.isWhole
    ? replace(opened.id, mine as never, opened.version)
    : patch(opened.id, changes.patch, opened.version)
}

/** Waits until what was stored is applied: a trigger that is there, in a version after `version`. */
export async function applied(
  written: Written<{ id: string }>,
  version: number,
  isWanted: () => boolean,
): Promise<void> {
  while (!written.done && isWanted()) {
    try {
      // Asked for in a list: that it is not there yet is no failure.
      const [found] = await readTriggersById([written.value.id])
      if (found && found.version > version) return
    } catch (error) {
      if (!asApiError(error).isAway) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

/** Everything that shows triggers asks again. */
export function forget(): void {
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/triggers'),
  })
  void queries.invalidateQueries({ queryKey: ['/labels/'] })
  void queries.invalidateQueries({ queryKey: ['/schedules/upcoming'] })
}
