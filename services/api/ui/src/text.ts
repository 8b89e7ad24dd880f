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
  notLoadedHint: 'The gateway does not answer just now.',
  name: 'Trigger Platform',
  nav: {
    triggers: 'Triggers',
    targets: 'Targets',
    events: 'Event log',
    overview: 'Overview',
    access: 'Access',
  },
  zone: { label: 'Times in', yours: 'Yours', utc: 'UTC', schedule: 'Schedule' },
  theme: { label: 'Theme', light: 'Light', dark: 'Dark', system: 'System' },
  state: {
    away: 'The platform is away at the moment',
    failed: 'This did not work',
    retry: 'Try again',
    copyRequest: 'Copy the request id',
    noMore: 'What comes next could not be read.',
    notRead: 'This could not be read yet; it is tried by itself.',
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
  /** A definition's fields, wherever one is named: in the form, a comparison, a story. */
  field: {
    name: 'Name',
    type: 'Kind',
    description: 'Description',
    labels: 'Labels',
    schedule_time: 'Time',
    interval: 'Every',
    cron: 'Cron expression',
    timezone: 'Time zone',
    dst_policy: 'When clocks change',
    starts_at: 'Not before',
    ends_at: 'Not after',
    max_fires: 'At most (fires)',
    jitter: 'Jitter',
    exclude: 'Not on',
    misfire: 'After a downtime',
    payload: 'Payload',
    payload_schema: 'Schema',
    targets: 'Targets',
  },
  compare: { field: 'Field', unset: 'not set', changed: 'changed' },
  seconds: (value: number) => `${number(value)} s`,
  json: {
    cut: (shown: string, all: string) => `The first ${shown} of ${all}.`,
    download: 'Download all of it',
  },
  times: {
    yours: (zone: string) => `${zone}, yours`,
    fromNow: 'From now',
    shifted: 'moved by a clock change',
    doubled: 'this time comes twice',
    none: 'Nothing to come.',
    before: 'Before',
    after: 'After',
    isNew: 'new',
    isGone: 'no longer',
    beyond: 'Later than the list beside it reaches',
    clocks: 'Clocks change meanwhile',
    goes: (before: string, after: string) => `${before}: the clock goes to ${after}.`,
    matched: (isGap: boolean, times: string) =>
      `It ${isGap ? 'skips' : 'repeats'} ${times} of this schedule.`,
    effect: {
      shifted: 'What it skips fires once, right after the gap.',
      skipped: 'What it skips does not fire.',
      once: 'What it repeats fires the first time alone.',
      doubled: 'What it repeats fires each time the clock shows it.',
    },
  },
  notCopied: 'This could not be copied',
  notCopiedHint: 'The browser does not let this page: select it, and copy it by hand.',
  stored: 'Stored, not applied yet: the scheduler gets to it.',
} as const
