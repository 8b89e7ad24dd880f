import { useCallback, useEffect, useState } from 'react'
import { loading } from '../../parts/loading'

type Dialogs = typeof import('./dialogs')

interface Loaded {
  there: Dialogs | null
  /** Raises what `loading` does where they cannot be had: the form stays as it is. */
  load: () => Promise<void>
}

/** The form's dialogs, from its first moments on; asked for again where that failed. */
export function useDialogs(isDirty: boolean): Loaded {
  const [there, setThere] = useState<Dialogs | null>(null)
  const load = useCallback(async () => setThere(await loading(() => import('./dialogs'))), [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a first change is the second occasion.
  useEffect(() => void load().catch(() => undefined), [load, isDirty])
  return { there, load }
}
