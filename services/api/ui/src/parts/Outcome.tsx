import { lazily } from './lazily'
import { Skeleton } from './Skeleton'

/** What came of a fire, in place; loaded once something was fired, and not before. */
export const Outcome = lazily(() => import('./OutcomeLoaded'), <Skeleton rows={3} height={28} />)
