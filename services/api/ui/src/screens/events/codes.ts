/** Why an event cannot be replayed, in words, by the code of the refusal. */
const REASONS: Record<string, string> = {
  'not-replayable': 'rejected ones were logged without a payload: fire their trigger instead',
  'not-found': 'their trigger was deleted, or was a test that is not kept',
  'payload-schema-mismatch': 'their payload does not match the trigger’s schema as it is now',
  'body-too-large': 'their payload is too large to be fired',
  'quota-exceeded': 'the platform’s limit is reached',
  invalid: 'their trigger does not take what they carried',
}

export const reasonOf = (code: string): string => REASONS[code] ?? code
