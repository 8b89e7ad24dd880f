/** What this form would send, for a shell: with `$KEY`, never with a key. */
import type { Opened } from './ahead'
import { changesOf, type Draft, fieldsOf } from './draft'

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

export function curlOf(draft: Draft, opened: Opened | null, origin: string): string {
  const mine = fieldsOf(draft)
  const heads = ['-H "X-API-KEY: $KEY"', "-H 'Content-Type: application/json'"]
  if (!opened) return command(`curl -sS '${origin}/triggers/'`, heads, mine)
  const { patch, isWhole } = changesOf(opened.fields, mine)
  return command(
    `curl -sS -X ${isWhole ? 'PUT' : 'PATCH'} '${origin}/triggers/${opened.id}'`,
    [...heads, `-H 'If-Match: "${opened.version}"'`],
    isWhole ? mine : patch,
  )
}

function command(start: string, heads: readonly string[], body: unknown): string {
  const data = `-d ${quoted(JSON.stringify(body, null, 2))}`
  return [start, ...heads, data].join(' \\\n  ')
}

export function natsOf(draft: Draft, opened: Opened | null): string {
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
  `nats --server "$NATS_URL" pub trigger.command.${verb} \\\n  ${quoted(JSON.stringify(body, null, 2))}`
