import { useCallback, useMemo, useRef, useState } from 'react'
import type { Trigger } from '../../api/triggers'

/** What is done with many needs of each: its name to tell it, its version to be sure of it. */
export type Chosen = Pick<Trigger, 'id' | 'name' | 'version'>

export const chosenOf = ({ id, name, version }: Chosen): Chosen => ({ id, name, version })

export function useSelection() {
  const [chosen, setChosen] = useState<ReadonlyMap<string, Chosen>>(new Map())
  const anchor = useRef<string | null>(null)

  /** Takes a row in or out; as a range, all from the last one to it become as it does. */
  const toggle = useCallback((row: Chosen, rows: readonly Chosen[], isRange: boolean) => {
    const from = isRange ? rows.findIndex((one) => one.id === anchor.current) : -1
    const to = rows.findIndex((one) => one.id === row.id)
    anchor.current = row.id
    setChosen((before) => {
      const after = new Map(before)
      const isIn = !before.has(row.id)
      const range = from < 0 ? [row] : rows.slice(Math.min(from, to), Math.max(from, to) + 1)
      for (const one of range) {
        if (isIn) after.set(one.id, chosenOf(one))
        else after.delete(one.id)
      }
      return after
    })
  }, [])

  const put = useCallback(
    (rows: Iterable<Chosen>) => setChosen(new Map([...rows].map((one) => [one.id, chosenOf(one)]))),
    [],
  )
  const clear = useCallback(() => setChosen(new Map()), [])
  const drop = useCallback(
    (id: string) => setChosen((before) => new Map([...before].filter(([own]) => own !== id))),
    [],
  )
  return useMemo(() => ({ chosen, toggle, put, clear, drop }), [chosen, toggle, put, clear, drop])
}

export type Selection = ReturnType<typeof useSelection>
