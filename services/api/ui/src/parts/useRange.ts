import { useCallback, useEffect, useRef } from 'react'

const REST = 150

/** Looks at the rows in sight once the scrolling rests; while it goes on nothing is drawn for it: a
 * frame has better to do. `last`: of those in sight at first.
 */
export function useRange(last: number, look: (first: number, last: number) => void) {
  const sight = useRef({ first: 0, last, timer: 0, look })
  sight.current.look = look
  /** At once. */
  const lookNow = useCallback(() => {
    const { first, last, timer } = sight.current
    clearTimeout(timer)
    sight.current.timer = 0
    sight.current.look(first, last)
  }, [])
  const lookSoon = useCallback(() => {
    clearTimeout(sight.current.timer)
    sight.current.timer = setTimeout(lookNow, REST)
  }, [lookNow])
  /** What is due already is not put off. */
  const lookOnce = useCallback(() => {
    if (sight.current.timer === 0) lookSoon()
  }, [lookSoon])
  useEffect(() => () => clearTimeout(sight.current.timer), [])
  const onRange = useCallback(
    (first: number, last: number) => {
      Object.assign(sight.current, { first, last })
      lookSoon()
    },
    [lookSoon],
  )
  return { onRange, lookNow, lookSoon, lookOnce }
}
