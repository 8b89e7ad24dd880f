import { type RefObject, useEffect, useRef } from 'react'

/** An id that no row has. */
export const nextId = (rows: readonly { id: number }[]): number =>
  Math.max(0, ...rows.map(({ id }) => id)) + 1

/** Call what is returned as a row is added: once that is there, its first field has the focus. */
export function useAdded(list: RefObject<HTMLElement | null>): () => void {
  const isAdded = useRef(false)
  useEffect(() => {
    if (!isAdded.current) return
    isAdded.current = false
    list.current?.querySelector<HTMLElement>(':scope > li:last-child input')?.focus()
  })
  return () => {
    isAdded.current = true
  }
}
