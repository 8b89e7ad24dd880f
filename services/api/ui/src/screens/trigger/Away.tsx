import type { ComponentProps, ReactNode } from 'react'
import { isInTrouble, Trouble } from '../../parts/Trouble'

/** Before the first answer: its skeleton; where none comes, why, and when it is asked again. */
export function Away({
  query,
  children,
}: ComponentProps<typeof Trouble> & { children: ReactNode }) {
  return isInTrouble(query) ? <Trouble query={query} /> : children
}
