import type { Target } from '../../api/targets'

type Secrets = Target['secrets']

/** Those that sign now: one that a rotation has ended stays in the definition until another. */
export const signing = (secrets: Secrets, now: number): Secrets =>
  secrets.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > now)
