/** From the form to the platform: what the page can tell by itself, and what a save sends. */
import { queries } from '../../api/queries'
import type { DryRun } from '../../api/triggers'
import { dryPatch, dryReplace, patch, replace } from '../../api/writes'
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

/** Everything that shows triggers asks again. */
export function forget(): void {
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/triggers'),
  })
  void queries.invalidateQueries({ queryKey: ['/labels/'] })
  void queries.invalidateQueries({ queryKey: ['/schedules/upcoming'] })
}
