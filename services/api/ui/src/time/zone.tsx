/** Whose clock the page shows: the reader's, UTC, or each schedule's. The reader's own choice. */
import { createContext, type ReactNode, useContext, useMemo, useState } from 'react'
import { isKnownZone, ownZone } from './format'

export type ZoneMode = 'yours' | 'utc' | 'schedule'

const KEY = 'etp.zone'

interface Shown {
  mode: ZoneMode
  choose: (mode: ZoneMode) => void
}

const Context = createContext<Shown>({ mode: 'yours', choose: () => {} })

function kept(): ZoneMode {
  const mode = localStorage.getItem(KEY)
  return mode === 'utc' || mode === 'schedule' ? mode : 'yours'
}

export function ZoneProvider({ children }: { children: ReactNode }) {
  const [mode, setMode] = useState<ZoneMode>(kept)
  const shown = useMemo(
    () => ({
      mode,
      choose: (chosen: ZoneMode) => {
        localStorage.setItem(KEY, chosen)
        setMode(chosen)
      },
    }),
    [mode],
  )
  return <Context.Provider value={shown}>{children}</Context.Provider>
}

export const useZoneMode = (): Shown => useContext(Context)

/** The zone in which to show an instant; `schedule`: the zone of the trigger that it is of, if any. */
export function useZone(schedule?: string | null): string {
  const { mode } = useZoneMode()
  if (mode === 'utc') return 'UTC'
  if (mode === 'schedule' && schedule && isKnownZone(schedule)) return schedule
  return ownZone()
}
