/** A command that fires it: the key is the reader's own, and in no page. */
export function curlOf(id: string, payload = '{}'): string {
  // A quote within single quotes of a shell: closed, escaped, opened again.
  const quoted = `{"payload": ${payload}}`.replaceAll("'", "'\\''")
  return `curl -sS '${location.origin}/triggers/${id}/fire' -H "X-API-KEY: $KEY" -H 'Content-Type: application/json' -d '${quoted}'`
}
