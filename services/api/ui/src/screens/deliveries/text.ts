/** The words of what is done to many deliveries at once. */
import { count, number } from '../../text'

const told = (deliveries: number): string => count(deliveries, 'delivery', 'deliveries')

export const words = {
  verbs: {
    redeliver: {
      told: 'What has ended begins another round, and what waits is tried now: under the same ids, by which a receiver knows what it has already.',
      none: 'There is no such delivery.',
      button: (deliveries: number) =>
        deliveries > 0 ? `Deliver ${number(deliveries)} again` : 'Deliver again',
      done: (deliveries: number) => `${told(deliveries)} asked for again`,
    },
    cancel: {
      told: 'What waits up to now is given up: it is not tried again, unless it is delivered again by hand. An attempt in flight is not called back.',
      none: 'Nothing waits.',
      button: (deliveries: number) =>
        deliveries > 0 ? `Cancel ${number(deliveries)}` : 'Cancel what waits',
      done: (deliveries: number) => `${told(deliveries)} cancelled`,
    },
  },
  states: { dead: 'given up', blocked: 'blocked', pending: 'pending', delivered: 'delivered' },
  which: 'Which deliveries',
  noState: 'Choose what is to be delivered again.',
  counting: 'Counting the deliveries…',
  count: (deliveries: number) => `This is ${told(deliveries)}.`,
  upTo: 'Of events logged before',
  upToHint: 'What comes in from now on is left out.',
  refused: (deliveries: number) => `${told(deliveries)} left as before`,
  reasons: {
    'unknown-target': 'their target was deleted',
    invalid: 'there is no further round for them',
  } as Record<string, string>,
  uncounted: 'They are not counted',
  failed: 'It was not done',
  close: 'Close',
} as const
