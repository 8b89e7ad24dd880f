import { type ReactNode, useEffect, useRef, useState } from 'react'
import { FLOOD } from '../../live/batches'
import type { StreamState } from '../../live/stream'
import { Button } from '../../parts/Button'
import { words } from './text'

interface Props {
  /** Why nothing comes in, where following makes no sense at all. */
  off: { title: string; hint: string } | null
  isPaused: boolean
  state: StreamState
  rate: number
  fresh: number
  /** All that came since the list was read: told to screen readers now and then. */
  came: number
  onPause: (isPaused: boolean) => void
  onShow: () => void
  onNarrow: () => void
}

const { live } = words
const QUIET = 10_000

/** Whether the log is followed, always in sight: nobody is to wait before a paused page. */
export function LiveLine(props: Props) {
  const { off, isPaused, state, rate, fresh, came, onPause, onShow, onNarrow } = props
  const [name, title, hint] = told(off, isPaused, state, fresh)
  return (
    <div className={`log-live is-${name}`}>
      <svg className="log-live-mark" width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
        {name === 'paused' ? <path d="M2 1h2v8H2zM6 1h2v8H6z" /> : <circle cx="5" cy="5" r="4" />}
      </svg>
      <strong>{title}</strong>
      {fresh > 0 ? (
        <Button kind="primary" onClick={onShow} data-fresh>
          {live.fresh(fresh)}
        </Button>
      ) : null}
      <span className="quiet clip log-live-hint">{hint}</span>
      <Rate rate={rate} onNarrow={onNarrow} />
      {off ? null : (
        <Button onClick={() => onPause(!isPaused)}>{isPaused ? live.resume : live.pause}</Button>
      )}
      <Said came={came} />
    </div>
  )
}

function told(
  off: Props['off'],
  isPaused: boolean,
  state: StreamState,
  fresh: number,
): [name: string, title: string, hint: string] {
  if (off) return ['off', off.title, off.hint]
  if (isPaused) return ['paused', live.paused, live.pausedHint]
  if (state === 'live') return ['live', live.on, fresh > 0 ? live.held : live.following]
  if (state === 'waiting') return ['waiting', live.on, live.waiting]
  if (state === 'hidden') return ['waiting', live.on, live.hidden]
  return ['waiting', live.connecting, '']
}

function Rate({ rate, onNarrow }: { rate: number; onNarrow: () => void }): ReactNode {
  if (rate <= FLOOD) return null
  return (
    <>
      <span className="mono clip">{live.rate(rate)}</span>
      <Button kind="quiet" className="log-live-narrow" onClick={onNarrow}>
        {live.onlyBad}
      </Button>
    </>
  )
}

/** Read out at most each ten seconds, and only when something came. */
function Said({ came }: { came: number }) {
  const [said, setSaid] = useState('')
  const now = useRef(came)
  now.current = came
  useEffect(() => {
    let before = now.current
    const timer = setInterval(() => {
      const more = now.current - before
      before = now.current
      if (more > 0) setSaid(live.came(more))
    }, QUIET)
    return () => clearInterval(timer)
  }, [])
  return (
    <span className="unseen" aria-live="polite">
      {said}
    </span>
  )
}
