/** What is said of a fire, wherever one waits for what comes of it. */

interface Logged {
  status: string
  is_test: boolean
}

export const outcome = {
  waiting: 'On its way through scheduler, executor and log',
  /** Before its time. */
  fires: 'Accepted. It fires',
  notYet: 'Its event is not in the log yet. It may still come.',
  look: 'Look again',
  show: 'Show its event',
  /** `It fired`, `The test was rejected`, `Test of nightly report fired`. */
  said: ({ status, is_test }: Logged, name?: string) => {
    const whom = is_test ? (name ? `Test of ${name}` : 'The test') : (name ?? 'It')
    return status === 'fired' ? `${whom} fired` : `${whom} was ${status}`
  },
  due: 'Due',
  fired: 'Fired',
  lateness: 'Lateness',
  why: 'Why',
  life: 'Life',
  /** Of a test that is not saved. */
  follows: 'Saved, it would go on at',
  payload: 'Payload',
} as const
