import type { Health, Target } from '../../api/targets'
import { type Result, Tag } from '../../parts/Tag'
import './HealthOf.css'
import { healthNames, words } from './text'

/** By the signs that the log has already: well, late, failing. */
const SIGNS: Readonly<Record<Health, Result>> = {
  ok: 'fired',
  failing: 'late',
  open: 'rejected',
  paused: 'late',
  gone: 'missed',
}

/** How a target is, and how much waits for it. */
export function HealthOf({ target: { health } }: { target: Target }) {
  const isUntried = health.status === 'ok' && health.since === null
  return (
    <span className="target-health">
      {isUntried ? (
        <span className="quiet">{words.untried}</span>
      ) : (
        <Tag result={SIGNS[health.status]} word={healthNames[health.status]} />
      )}
      {health.pending > 0 ? <span className="quiet">{words.pending(health.pending)}</span> : null}
    </span>
  )
}
