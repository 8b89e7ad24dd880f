/** The words of the form of a target. */
import { count, text } from '../../text'

export const words = {
  title: { new: 'New target', edit: 'Edit' },
  section: { what: 'Target', request: 'What is sent', pace: 'How it is delivered' },
  type: {
    names: { webhook: 'Webhook', nats: 'NATS subject' },
    about: {
      webhook: 'Each event is sent as a signed POST to a URL.',
      nats: 'Each event is published on a subject of the platform’s broker.',
    },
    fixed: 'It cannot be changed: create another target instead.',
  },
  hint: {
    name: 'For people. Lists are searched by it.',
    url: 'https, and an address of the public internet, unless the operator allows others.',
    subject: 'Such as out.orders: up to 16 parts, under a subject that the operator allows.',
    headers: 'Sent with each attempt. A secret one is never shown again.',
    secretKept: 'stored, not shown; type to replace it',
    timeout: '1 to 30 s for a whole attempt. Empty: 15 s.',
    concurrency: '1 to 100 attempts at the same time. Empty: 10.',
    rate: 'At most so many attempts. Empty: no limit.',
    retry:
      'Each 1 s to 24 h, 39 h together, and up to 20. Each may be a fifth longer, never shorter.',
    retryOwn: 'The platform’s own: ten attempts within about 40 h, ever further apart.',
    finalStatuses: 'Of 400 to 499, separated by commas: nothing is tried again after one of them.',
    secret: '“whsec_” and 24 to 64 bytes as base64. Empty: one is made, and shown once.',
    ca: 'PEM, instead of the system’s: for a receiver with an authority of its own.',
    alert:
      'Another target, which is told when this one begins to fail, recovers, wants no more, or a delivery to it is given up.',
  },
  unit: { s: 'seconds', min: 'minutes', h: 'hours', d: 'days', iso: 'ISO 8601' },
  durable: {
    label: 'Acknowledged by',
    no: 'the broker',
    yes: 'a stream',
    about: {
      no: 'Delivered once the broker has it; who is not listening misses it.',
      yes: 'Delivered once a stream that has this subject stored it.',
    },
  },
  body: {
    names: { event: 'The event', payload: 'Its payload alone' },
    about: {
      event: 'A CloudEvent, byte for byte as the stream has it.',
      payload: 'What the trigger carries, as JSON: for an API that expects its own form.',
    },
  },
  header: {
    name: 'Name',
    value: 'Value',
    secret: 'secret',
    of: (place: number, what: string) => `Header ${place}: ${what}`,
    add: 'Add a header',
    remove: (name: string) => `Remove the header ${name}`,
    unnamed: 'without a name',
    error: (name: string) => `Header ${name}`,
  },
  retry: {
    add: 'Add a delay',
    own: 'Set delays of its own',
    of: (place: number) => `Delay ${place}`,
    unit: (place: number) => `Delay ${place}, unit`,
    remove: (place: number) => `Remove delay ${place}`,
    sum: (delays: number, together: string) =>
      `${count(delays + 1, 'attempt')}, ${together} together`,
  },
  rate: {
    count: 'Attempts',
    per: { '1s': 'a second', '1m': 'a minute', '1h': 'an hour' },
    perLabel: 'Rate, in each',
  },
  ordered: {
    names: { no: 'any order', yes: 'in order' },
    about: {
      no: 'What is tried again does not hold up what comes after it.',
      yes: 'Events of one trigger one after another: each waits until the one before it is delivered or given up.',
    },
  },
  alert: { none: 'none' },
  fold: {
    limits: 'Limits',
    limitsSaid: (timeout: string, atOnce: string, rate: string, order: string) =>
      `${timeout} an attempt, ${atOnce} at once, ${rate}, ${order}`,
    noRate: 'no limit of rate',
    retries: 'Retries',
    ownRetries: 'the platform’s own delays',
    ends: (statuses: string) => (statuses ? `ended by ${statuses}` : 'ended by no answer'),
    trust: 'Secret and certificates',
    secretMade: 'a secret is made',
    secretOwn: 'a secret of your own',
    caOwn: 'certificates of your own',
    caSystem: 'the system’s certificates',
    alert: 'Alerts',
    noAlert: 'none',
    someAlert: 'another target',
  },
  preview: {
    title: 'What a receiver gets',
    hint: 'One id for all attempts of an event. Any answer of 200 to 299 within the timeout is a delivery; all else is tried again.',
    nats: 'One id for all attempts of an event.',
  },
  local: {
    url: 'Say where to.',
    headerName: 'Give the header a name.',
    headerValue: 'Give the header a value.',
    headerTwice: 'This header is given twice.',
  },
  save: {
    create: 'Create target',
    save: 'Save changes',
    cancel: 'Cancel',
    nothing: 'Nothing changed yet',
    changed: (fields: number) => `${count(fields, 'field')} changed`,
    created: (name: string) => `Created ${name}`,
    saved: (name: string) => `Saved ${name}`,
    stored: `${text.stored} This page goes on by itself then.`,
    refused: (errors: number) =>
      errors === 1
        ? 'One thing has to be mended first'
        : `${errors} things have to be mended first`,
    failed: 'This was not saved',
    maybe:
      'It may have been stored all the same. Saved again from this page, it is not made twice.',
    other:
      'An earlier attempt of this page was stored with other content. Saving again makes a second one:',
    look: 'look at what is there',
    gone: 'The target was deleted meanwhile.',
  },
  gone: {
    title: 'This target is not there any more',
    about: 'It was deleted, or there has never been one at this address.',
    all: 'All targets',
  },
} as const
