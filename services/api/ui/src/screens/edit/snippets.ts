/** What this form would send, for a shell: with `$KEY`, never with a key. */
import { curlOf, quoted } from '../../parts/curl'
import type { Opened } from './ahead'
import { changesOf, type Draft, fieldsOf } from './draft'
import { pretty } from './json'

export function curlOfDraft(draft: Draft, opened: Opened | null): string {
  const mine = fieldsOf(draft)
  if (!opened) return curlOf('/triggers/', { body: pretty(mine) })
  const { patch, isWhole } = changesOf(opened.fields, mine)
  return curlOf(`/triggers/${opened.id}`, {
    method: isWhole ? 'PUT' : 'PATCH',
    headers: [`If-Match: "${opened.version}"`],
    body: pretty(isWhole ? mine : patch),
  })
}

export function natsOfDraft(draft: Draft, opened: Opened | null): string {
  const mine = fieldsOf(draft)
  if (!opened) return publish('create', mine)
  const { patch, isWhole } = changesOf(opened.fields, mine)
  return publish('update', {
    trigger_id: opened.id,
    expected_version: opened.version,
    ...(isWhole ? { definition: mine } : { patch }),
  })
}

const publish = (verb: string, body: unknown): string =>
  `nats --server "$NATS_URL" pub trigger.command.${verb} \\\n  ${quoted(pretty(body))}`
