import { count, number } from '../../text'

export const words = {
  title: 'Overview',
  range: 'Range',
  /** How many triggers are so. */
  odd: (kind: string, active: string | null) => `triggers ${kind}, last ${active ?? '…'}`,
  fires: 'Fires by result',
  counts: (counts: Readonly<Record<string, number>>) =>
    `${number(counts.fired ?? 0)} fired, ${number(counts.missed ?? 0)} missed, ${number(counts.rejected ?? 0)} rejected`,
  lateness: {
    title: 'Lateness',
    told: (p50: string, p99: string) => `Half fired within ${p50}, 99 of 100 within ${p99}`,
    none: 'No schedule has fired in this time',
    axis: (misfire: string | null) =>
      misfire ? `1 ms to 100 s, dashed at ${misfire}` : '1 ms to 100 s',
    steps: 'Lateness over time. Arrow keys step through it.',
  },
  lanes: {
    title: 'Due within the hour',
    none: 'Nothing is due within the hour',
    lane: (occurrences: string, more: boolean) => `${more ? 'more than ' : ''}${occurrences}`,
    more: 'All that is due within the hour',
  },
  attention: {
    title: 'Needs attention',
    none: (active: string | null) =>
      `Nothing was late, missed or rejected${active ? ` in the last ${active}` : ''}.`,
    all: 'All of them',
  },
  services: {
    title: 'Services',
    ready: 'ready',
    notReady: 'not ready',
    lag: (lag: string) => `${lag} behind`,
    inTime: 'in time',
    up: (span: string) => `up for ${span}`,
  },
  letters: {
    title: 'Dead letters',
    none: 'None: everything could be handled.',
    older: 'Older ones',
    original: 'The message',
    redrive: 'Redrive',
    redriveOf: (subject: string) => `Redrive the message of ${subject}`,
    cut: 'It was too large to be kept whole',
    refused: 'It was not redriven',
    tried: (redrives: number) => `redriven ${count(redrives, 'time')}`,
    became: {
      handled: 'Handled: the dead letter is gone',
      failed: 'It failed again: the dead letter says why',
      accepted: 'Stored: it is handled as soon as the service gets to it',
    },
  },
} as const
