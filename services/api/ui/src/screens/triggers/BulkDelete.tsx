import { useEffect, useRef, useState } from 'react'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { tell } from '../../parts/Toast'
import { type Deletion, deleteAll } from './bulk'
import './Dialogs.css'
import { asking } from './dialogText'
import type { Chosen } from './useSelection'

interface Props {
  rows: readonly Chosen[]
  onClose: () => void
  /** What is left to be chosen: that which was not deleted. */
  onLeft: (rows: readonly Chosen[]) => void
}

const words = asking.bulk
const NAMED = 5

/** Asks once for all that are chosen, shows how far it is, and sums up what became of them. */
export function BulkDelete({ rows, onClose, onLeft }: Props) {
  const [all] = useState(rows)
  const [done, setDone] = useState<number | null>(null)
  const [result, setResult] = useState<Deletion | null>(null)
  const stopper = useRef(new AbortController())
  const mounted = useRef(true)
  useEffect(() => {
    mounted.current = true
    return () => {
      mounted.current = false
    }
  }, [])

  async function confirm(): Promise<void> {
    setDone(0)
    const found = await deleteAll(all, setDone, stopper.current.signal)
    const isDone = new Set([...found.deleted, ...found.stored, ...found.gone].map((row) => row.id))
    onLeft(all.filter((row) => !isDone.has(row.id)))
    if (mounted.current) setResult(found)
    // The page was left meanwhile.
    else
      tell(
        words.done(found.deleted.length),
        found.failed.length > 0 ? words.failed(found.failed.length).slice(0, -1) : undefined,
      )
    void queries.invalidateQueries({ queryKey: ['/overview'] })
    await queries.invalidateQueries({ queryKey: ['/triggers/'] })
  }

  const isRunning = done !== null && result === null
  function close(): void {
    // Stop alone ends a run, and what was done by then is told: a slip of the hand does neither.
    if (!isRunning) onClose()
  }

  return (
    <Dialog
      isOpen
      onClose={close}
      title={words.title(all.length)}
      actions={
        result ? (
          <Button onClick={close}>{asking.close}</Button>
        ) : isRunning ? (
          // What is asked for already is done; the rest is left as it is.
          <Button onClick={() => stopper.current.abort()}>{words.stop}</Button>
        ) : (
          <>
            <Button onClick={close}>{asking.cancel}</Button>
            <Button kind="danger" onClick={confirm}>
              {words.button(all.length)}
            </Button>
          </>
        )
      }
    >
      {done === null ? <Question rows={all} /> : null}
      {isRunning ? (
        <div className="progress">
          <span className="mono">{words.progress(done, all.length)}</span>
          <progress aria-label={words.deleting} max={all.length} value={done} />
        </div>
      ) : null}
      {result ? <Summary result={result} total={all.length} /> : null}
    </Dialog>
  )
}

function Question({ rows }: { rows: readonly Chosen[] }) {
  return (
    <>
      <ul>
        {rows.slice(0, NAMED).map((row) => (
          <li key={row.id} className="named">
            {row.name}
          </li>
        ))}
        {rows.length > NAMED ? <li className="quiet">{words.more(rows.length - NAMED)}</li> : null}
      </ul>
      <p>{words.lead}</p>
    </>
  )
}

function Summary({ result, total }: { result: Deletion; total: number }) {
  const { deleted, stored, gone, failed } = result
  const left = total - deleted.length - stored.length - gone.length - failed.length
  return (
    <div role="status" className="summary">
      <p>
        <strong>{words.done(deleted.length)}</strong>
      </p>
      {stored.length > 0 ? <p>{words.stored(stored.length)}</p> : null}
      {gone.length > 0 ? <p>{words.gone(gone.length)}</p> : null}
      {left > 0 ? <p>{words.left(left)}</p> : null}
      {failed.length > 0 ? (
        <>
          <p>{words.failed(failed.length)}</p>
          <ul className="failures">
            {failed.map(({ row, error }) => (
              <li key={row.id}>
                {row.name}: <span className="quiet">{whyOf(error)}</span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  )
}

function whyOf(error: unknown): string {
  const known = asApiError(error)
  return known.status === 412 ? words.edited : `${known.detail} (${known.code})`
}
