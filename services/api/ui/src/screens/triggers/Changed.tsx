import { useEffect, useRef } from 'react'
import { useOverview } from '../../api/operations'
import type { useTriggers } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { isWorkedByKeys } from '../../parts/heir'
import './SelectionBar.css'
import { words } from './text'
import { rowOfFocus } from './useKeys'

const EVERY = 10_000

/** Nothing of the table is looked at closely: it may be put into its order anew. */
const isLeftAlone = () =>
  scrollY === 0 &&
  !document.hidden &&
  document.querySelector('.triggers-table :is(:hover, :focus), .triggers-table :focus-visible') ===
    null

interface Props {
  list: ReturnType<typeof useTriggers>
  /** How many the list has in all, where it is the list of all. */
  total: number | null
  isAtRest: boolean
}

/** Keeps the list's order true while nobody reads it closely; else says how many there are since. */
export function Changed({ list, total, isAtRest }: Props) {
  const overview = useOverview()
  const { refetch } = list
  const pages = list.data?.pages.length ?? 0
  useEffect(() => {
    if (!isAtRest || pages > 2) return undefined
    const timer = setInterval(() => isLeftAlone() && void refetch(), EVERY)
    return () => clearInterval(timer)
  }, [isAtRest, pages, refetch])

  const counts = overview.data?.triggers
  // While either is asked for again nothing else is known: what was said stays.
  const known = useRef(0)
  if (!counts || total === null) known.current = 0
  else if (!list.isFetching && !overview.isFetching) {
    known.current = counts.active + counts.completed - total
  }
  const by = known.current
  if (by === 0) return null
  return (
    <div className="selection" role="status">
      {words.changed(by)}
      <Button
        onClick={() => {
          void refetch()
          // It goes with what it says: keys go on in what it shows.
          if (isWorkedByKeys()) rowOfFocus()?.focus()
        }}
      >
        {words.show}
      </Button>
    </div>
  )
}
