import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import type { Trigger } from '../../api/triggers'
import { dryPatch, type Patch, patch } from '../../api/writes'
import { tell } from '../../parts/Toast'
import { text } from '../../text'

/** A change of a trigger that is shown first and then made, of the very version that was shown. */
export function usePatch(trigger: Trigger, fields: Patch | null, done: string, onDone: () => void) {
  const { id, version } = trigger
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [editedTo, setEditedTo] = useState<number | null>(null)
  const dry = useQuery({
    queryKey: ['/triggers', id, 'patch', 'dry_run', version, fields],
    queryFn: ({ signal }) => dryPatch(id, fields ?? {}, null, signal),
    enabled: fields !== null,
    staleTime: 0,
    gcTime: 0,
  })

  async function apply(): Promise<void> {
    if (fields === null) return
    setBusy(true)
    setError(null)
    try {
      const written = await patch(id, fields, version)
      tell(done, written.done ? undefined : text.stored)
      onDone()
      void queries.invalidateQueries({ queryKey: ['/triggers/'] })
      void queries.invalidateQueries({ queryKey: ['/triggers', id] })
    } catch (failure) {
      if (asApiError(failure).status === 412) {
        setEditedTo(asApiError(failure).currentVersion)
        // The dialog shows the trigger anew, and with it what the change would do.
        await queries.refetchQueries({ queryKey: ['/triggers', id], exact: true })
      } else setError(failure)
    } finally {
      setBusy(false)
    }
  }
  return { dry, apply, isBusy, error, editedTo }
}
