import { useEffect, useRef, useState } from 'react'
import { asApiError } from '../../api/problem'
import type { TriggerFilter } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { download } from '../../parts/download'
import { lazily } from '../../parts/lazily'
import { tell } from '../../parts/Toast'
import { exportOf, readAll } from './bulk'
import './SelectionBar.css'
import { words } from './text'
import { rowOfFocus } from './useKeys'
import type { Selection } from './useSelection'

const BulkDelete = lazily(async () => ({ default: (await import('./BulkDelete')).BulkDelete }))

interface Props {
  selection: Selection
  asked: TriggerFilter
  total: number | null
  isExact: boolean
  /** All rows that match are chosen already. */
  isAll: boolean
}

const said = words.selection

/** What can be done with the rows that are chosen; below the table, so that nothing moves. */
export function SelectionBar({ selection, asked, total, isExact, isAll }: Props) {
  const { chosen, put, clear } = selection
  const [isDeleting, setDeleting] = useState(false)
  const [read, setRead] = useState<number | null>(null)
  const stopper = useRef<AbortController | null>(null)
  useEffect(() => () => stopper.current?.abort(), [])

  async function run(job: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const own = new AbortController()
    stopper.current = own
    setRead(0)
    try {
      await job(own.signal)
    } catch (error) {
      if (!own.signal.aborted) tell(said.failed, asApiError(error).detail)
    } finally {
      setRead(null)
    }
  }

  const all = () =>
    run(async (signal) => {
      put(await readAll(asked, setRead, signal))
    })
  const save = () =>
    run(async (signal) => {
      const { file, count } = await exportOf([...chosen.keys()], setRead, signal)
      download(file, said.file)
      const gone = chosen.size - count
      tell(said.exported(count), gone > 0 ? said.gone(gone) : undefined)
    })

  return (
    <>
      {chosen.size > 0 ? (
        <section className="selection" aria-label={said.label}>
          <strong aria-live="polite">{said.chosen(chosen.size)}</strong>
          {read !== null ? (
            <>
              <span className="mono">{said.reading(read)}</span>
              <Button onClick={() => stopper.current?.abort()}>{said.stop}</Button>
            </>
          ) : (
            <>
              {isAll ? null : (
                <Button kind="quiet" className="selection-all" onClick={all}>
                  {said.all(total, isExact)}
                </Button>
              )}
              <span className="selection-ways">
                <Button onClick={save}>{said.export}</Button>
                <Button kind="danger" onClick={() => setDeleting(true)}>
                  {said.delete}
                </Button>
                <Button kind="quiet" onClick={clear} heir={rowOfFocus}>
                  {said.clear}
                </Button>
              </span>
            </>
          )}
        </section>
      ) : null}
      {isDeleting ? (
        <BulkDelete rows={[...chosen.values()]} onClose={() => setDeleting(false)} onLeft={put} />
      ) : null}
    </>
  )
}
