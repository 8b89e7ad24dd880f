/** The words of the targets' screens. */
import type { TargetField } from '../../api/targetFields'
import type { Health, TargetType } from '../../api/targets'
import { count, number } from '../../text'

/** A target's fields, wherever one is named: in the form, a comparison, a history. */
export const fieldNames: Readonly<Record<TargetField, string>> = {
  name: 'Name',
  type: 'Type',
  url: 'URL',
  subject: 'Subject',
  durable: 'Acknowledged by',
  body: 'Body',
  headers: 'Headers',
  secret_headers: 'Secret headers',
  timeout: 'Timeout',
  concurrency: 'At once',
  rate: 'Rate',
  ordered: 'Order',
  retry: 'Delays between attempts',
  final_statuses: 'Answers that end it',
  ca: 'Trusted certificates',
  alert_target: 'Alerts go to',
}

export const typeNames: Readonly<Record<TargetType, string>> = { webhook: 'webhook', nats: 'NATS' }

/** How a target is, by the platform's word for it. */
export const healthNames: Readonly<Record<Health, string>> = {
  ok: 'ok',
  failing: 'failing',
  open: 'down',
  paused: 'asked to wait',
  gone: 'wants no more',
}

export const words = {
  title: 'Targets',
  one: 'Target',
  create: 'New target',
  search: 'Search by name',
  type: 'Type',
  any: 'any',
  health: 'Health',
  columns: {
    name: 'Name',
    type: 'Type',
    place: 'Where to',
    health: 'Health',
    pace: 'Pace',
    actions: 'Actions',
  },
  unnamed: 'no name',
  more: (name: string) => `More for ${name}`,
  atOnce: (attempts: number) => `${attempts} at once`,
  rate: (attempts: number, per: string) => `${attempts} ${per}`,
  per: { '1s': 'a second', '1m': 'a minute', '1h': 'an hour' },
  inOrder: 'in order',
  pending: (deliveries: number) => `${number(deliveries)} waiting`,
  untried: 'nothing sent yet',
  menu: {
    open: 'Open',
    edit: 'Edit',
    copyId: 'Copy id',
    copyLink: 'Copy link',
    delete: 'Delete',
  },
  copied: (what: string) => `${what} copied`,
  noMatch: {
    title: 'No target matches',
    lead: 'Shown would be those with',
    name: (q: string) => `“${q}” in the name`,
    type: (type: string) => `type ${type}`,
    health: (health: string) => `health ${health}`,
    clearAll: 'Clear all filters',
  },
  first: {
    title: 'No targets yet',
    lead: 'A target is where events go once they fired: a webhook, which gets each event as a signed POST, or a NATS subject. Triggers name up to 8 of them. What a receiver misses is tried again for as long as the event lives.',
    webhook: 'Add a webhook',
    nats: 'Add a NATS subject',
  },
  delete: {
    title: (name: string) => `Delete ${name}?`,
    told: 'Nothing is delivered to it any more, and what waits for it is given up. Deliveries that were made stay in the log for as long as their events.',
    button: (name: string) => `Delete ${name}`,
    done: (name: string) => `${name} deleted`,
    failed: 'It was not deleted',
    cancel: 'Cancel',
    close: 'Close',
    gone: 'It is deleted already: there is nothing left to do.',
    edited: (version: number) =>
      `Someone edited it meanwhile: it is at version ${version} now. Press again to delete that.`,
  },
  test: {
    label: 'Deliver the test to',
    own: (targets: number) => (targets === 1 ? 'its target' : `its ${number(targets)} targets`),
    others: 'others',
    none: 'none',
  },
  picker: {
    choose: 'Choose targets',
    find: 'Part of a target’s name',
    none: 'There are no targets yet.',
    nobody: 'No target has this in its name.',
    more: 'There are more: type a part of the name.',
    full: (most: number) => `${count(most, 'target')} are chosen: there may be no more.`,
  },
} as const
