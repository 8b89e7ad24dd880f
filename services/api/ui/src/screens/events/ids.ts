/** The instant that an event's id begins with (UUID version 7): when it was due, or accepted. */
export function bornAt(id: string): string | null {
  const digits = id.replaceAll('-', '')
  if (!/^[0-9a-f]{12}7/i.test(digits)) return null
  const at = new Date(Number.parseInt(digits.slice(0, 12), 16))
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}
