/** The page's words that more than one place says; a screen's own stand beside it in its `text.ts`. */
const one = new Intl.PluralRules('en')
const numbers = new Intl.NumberFormat('en')

export const number = (value: number): string => numbers.format(value)

/** `1 event`, `3,412 events`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${number(value)} ${one.select(value) === 'one' ? noun : plural}`
}

export const text = {
  notLoaded: 'This could not be loaded',
  notLoadedHint: 'The gateway does not answer just now. Try it again.',
  name: 'Trigger Platform',
  nav: { triggers: 'Triggers', events: 'Event log', overview: 'Overview', access: 'Access' },
  zone: { label: 'Times in', yours: 'Yours', utc: 'UTC', schedule: 'Schedule' },
  theme: { label: 'Theme', light: 'Light', dark: 'Dark', system: 'System' },
  state: {
    away: 'The platform is away at the moment',
    failed: 'This did not work',
    retry: 'Try again',
    copyRequest: 'Copy the request id',
    stale: (age: string | null) =>
      age ? `What is shown is ${age} old.` : 'What is shown was read before.',
    trying: (failures: number) =>
      failures > 0 ? `Tried ${count(failures, 'time')}; it goes on by itself.` : '',
  },
  life: {
    archives: (left: string) => `archives in ${left}`,
    deletes: (left: string) => `deletes in ${left}`,
    gone: 'its life is over',
  },
  result: {
    fired: 'fired',
    late: 'late',
    missed: 'missed',
    rejected: 'rejected',
    test: 'test',
  },
  stored: 'Stored, not applied yet: the scheduler gets to it.',
} as const
