/** Requests as a shell sends them. The key is a variable of the reader's own, and in no page. */

interface Request {
  method?: string
  headers?: readonly string[]
  /** JSON; of several lines, it has them in the command, too. */
  body?: string
}

/** A request for a path of the API. */
export function curlOf(path: string, { method, headers = [], body }: Request = {}): string {
  const parts = [
    `curl -sS ${method ? `-X ${method} ` : ''}'${location.origin}${path}'`,
    '-H "X-API-KEY: $KEY"',
  ]
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'")
  parts.push(...headers.map((header) => `-H ${quoted(header)}`))
  if (body !== undefined) parts.push(`-d ${quoted(body)}`)
  return parts.join(body?.includes('\n') ? ' \\\n  ' : ' ')
}

/** Fires a trigger, with a payload that is JSON already. */
export const curlToFire = (id: string, payload = '{}'): string =>
  curlOf(`/triggers/${id}/fire`, { body: `{"payload": ${payload}}` })

/** As one word of a shell. A quote within single quotes: closed, escaped, opened again. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
