/** The trigger of the page: read again now and then, since others edit it, too. */
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { EXACT } from '../../api/exact'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { readTrigger, useNext } from '../../api/trigger'
import { useSecond } from '../../time/clock'

const EVERY = 10_000

export function useLoaded(id: string) {
  const trigger = useQuery({
    queryKey: ['/triggers', id],
    queryFn: ({ signal }) => readTrigger(id, signal),
    ...EXACT,
    // What is gone stays gone.
    refetchInterval: ({ state }) => (isGone(state.error) ? false : EVERY),
  })
  const version = trigger.data?.version
  const status = trigger.data?.status
  // biome-ignore lint/correctness/useExhaustiveDependencies: they tell that there is more to read
  useEffect(() => {
    for (const part of ['history', 'next']) {
      void queries.invalidateQueries({ queryKey: ['/triggers', id, part] })
    }
  }, [id, version, status])
  return trigger
}

export function isGone(error: unknown): boolean {
  return error !== null && [404, 410].includes(asApiError(error).status)
}

const PATIENCE = 3_000

/** Some more than are shown: what is past before it is read again leaves no gap. */
const ASKED = 14

/** Its next occurrences; asked for again when the first is past and no event has told so. */
export function useComing(id: string) {
  const next = useNext(id, ASKED)
  const now = useSecond() * 1000
  const first = next.data?.occurrences[0]?.scheduled_for
  const isPast = first !== undefined && now > Date.parse(first) + PATIENCE
  useEffect(() => {
    if (!isPast) return
    const ask = () =>
      void queries.invalidateQueries(
        { queryKey: ['/triggers', id, 'next'] },
        { cancelRefetch: false },
      )
    ask()
    const timer = setInterval(ask, PATIENCE)
    return () => clearInterval(timer)
  }, [id, isPast])
  return next
}
