/** The words of this screen. */
import { count, text } from '../../text'

export const words = {
  title: { new: 'New trigger', copy: 'Copy as new', edit: 'Edit' },
  section: {
    what: 'Trigger',
    when: 'When it fires',
    payload: 'Payload',
    schema: 'Schema',
    targets: 'Where it is delivered',
  },
  kind: {
    label: 'Kind',
    names: { once: 'One time', interval: 'Interval', cron: 'Cron', api: 'API' },
    about: {
      once: 'Fires once, at a time that you name.',
      interval: 'Fires each so often, for ever on the same grid: it does not drift.',
      cron: 'Fires by the calendar and the clock of a time zone.',
      api: 'Fires when somebody sends a request or a message. It has no schedule.',
    },
  },
  hint: {
    description: 'For people: what it is for, and whom to ask.',
    labels: 'Up to 20. Enter or a comma adds one; lists can be filtered by them.',
    offset: 'This instant has an offset: the time zone does not change it.',
    local: 'Write it as local time',
    interval:
      'From 1 s on. Every day at 9 is cron: a day in which clocks change has 23 or 25 hours.',
    cron: 'Minute, hour, day of the month, month, day of the week; a sixth field in front is the second.',
    startsAt: 'No fire is earlier. Of an interval, this is the first one.',
    endsAt: 'No fire is later.',
    maxFires: 'Over after so many fires. Empty: no end.',
    jitter: 'Each fire is later by a fixed part of this, so that many triggers spread out.',
    exclude: 'A date, or from the first to the last: 2027-12-24/2028-01-01. One a line.',
    maxAge: 'What is older is missed. Empty: 47 h, and never more.',
    maxCount: 'More missed ones than this are logged as one row that counts them. Empty: 100.',
  },
  zone: { label: 'Time zone', search: 'Search 600 zones', away: 'The zones could not be read.' },
  unit: { s: 'seconds', min: 'minutes', h: 'hours', d: 'days', iso: 'ISO 8601' },
  presets: 'For example',
  dst: {
    vixie: 'Skipped times fire right after the gap, repeated ones once',
    skip_once: 'Skipped times do not fire, repeated ones once',
    literal: 'Skipped times do not fire, repeated ones twice',
  },
  /** Of all that fire late it bounds these, of the others the rows. */
  maxCountAll: 'Only the last so many fire late. Empty: 100.',
  misfire: {
    last: 'Only the last one fires late',
    none: 'None fires late',
    all: 'All fire late, in order',
  },
  fold: {
    limits: 'Limits',
    downtime: 'Clock changes and downtimes',
    noLimits: 'no start, no end, no jitter, no skipped dates',
    more: 'Description and labels',
  },
  preview: {
    title: 'What lies ahead',
    api: 'Fires on request alone. Test it below, before you save it.',
    nothing:
      'Say when it fires: the next ten times stand here then, as the platform computes them.',
    more: 'And so on.',
    retry: 'Ask again',
    away: (failures: number) =>
      `${text.state.away}. Asked ${count(failures, 'time')}; it goes on by itself.`,
  },
  payload: {
    hint: 'Any JSON. It is what an event of this trigger carries.',
    hintApi:
      'What an event carries. What a request sends is laid over it: what is required may come from there.',
    schemaHint: 'JSON Schema 2020-12. A payload that does not match is rejected, with its fields.',
    add: 'Add a payload',
    addSchema: 'Add a schema',
    edit: 'Edit the JSON',
    remove: 'Remove',
    leave: 'Escape, then Tab leaves the editor.',
    form: 'Form',
    json: 'JSON',
    as: 'Payload as',
    fields: 'Its fields',
    /** Of the trigger's own payload nothing is required: a request may bring it. */
    needed: (name: string) => `${name} (needed when it fires)`,
    example: 'Begin with an example',
    unset: 'not set',
    file: 'Replace it by a file',
  },
  targets: {
    hint: (most: number) =>
      `Up to ${most}. Each event that fires is sent to all of them, and tried again where one does not take it.`,
    choose: 'Choose targets',
    create: 'New target',
    newTab: 'opens a new tab',
    remove: (name: string) => `Remove the target ${name}`,
    gone: 'there is no such target any more',
  },
  snippets: {
    title: 'The same by curl or NATS',
    curl: 'Copy for curl',
    nats: 'Copy for NATS',
    hint: 'Set KEY and NATS_URL in your shell: no key stands in here.',
  },
  test: {
    title: 'Test without saving',
    hint: 'It fires once on the real path, marked as a test; nothing is saved.',
    now: 'Test now',
    soon: 'Test in 2 s',
    own: 'Test at its own time',
    given: 'What a request would send (JSON)',
  },
  save: {
    create: 'Create trigger',
    review: 'Review changes',
    save: 'Save changes',
    cancel: 'Cancel',
    back: 'Go on editing',
    nothing: 'Nothing changed yet',
    changed: (fields: number) => `${count(fields, 'field')} changed`,
    created: (name: string) => `Created ${name}`,
    saved: (name: string) => `Saved ${name}`,
    show: 'Show it',
    stored: `${text.stored} This page goes on by itself then.`,
    title: (name: string) => `Save ${name}?`,
    fires: 'Its next fires',
    sameFires: 'It fires when it did: its schedule stays as it is.',
    rule: 'Nothing fires at once, and nothing that is due is dropped.',
    what: 'What changes',
    refused: (errors: number) =>
      errors === 1
        ? 'One thing has to be mended first'
        : `${errors} things have to be mended first`,
    failed: 'This was not saved',
    notLoaded: 'The review of your changes could not be loaded',
    typed: 'Nothing was sent, and what you typed is kept.',
    maybe:
      'It may have been stored all the same. Saved again from this page, it is not made twice.',
    other:
      'An earlier attempt of this page was stored with other content. Saving again makes a second one:',
    look: 'look at what is there',
    gone: 'The trigger was deleted meanwhile.',
  },
  conflict: {
    title: 'Somebody else has changed it meanwhile',
    about: (who: string) =>
      `Version by ${who}. What you typed is kept: choose by field what is to count.`,
    base: 'As you opened it',
    theirs: 'Theirs',
    mine: 'Yours',
    choose: 'What counts',
    go: 'See what it would do',
    take: 'Go on with this',
    same: 'Both of you changed other fields, or the same ones alike: nothing has to be chosen.',
    failed: 'What is there now could not be read.',
  },
  leave: {
    title: 'Leave without saving?',
    about: 'What you changed here would be lost.',
    leave: 'Leave',
    stay: 'Stay here',
  },
  gone: {
    title: 'This trigger is not there any more',
    about: 'It was deleted. Its history is kept, with a way to create it again.',
    history: 'Show its history',
    never: 'There has never been a trigger at this address, or its history has ended.',
    all: 'All triggers',
  },
} as const
