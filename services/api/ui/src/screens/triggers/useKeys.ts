import { type RefObject, useCallback, useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import { entryOf } from '../../parts/heir'

const TYPED_INTO =
  'input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog], [role=menu], [role=listbox]'

export const rowOfFocus = () => entryOf(document.querySelector('.triggers-table'))

const focusTable = () => rowOfFocus()?.focus()

/** The keys of this screen, wherever the focus is that does not take them itself. */
export function useKeys(search: RefObject<HTMLInputElement | null>): void {
  const [, go] = useLocation()
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
      if ((event.target as Element).closest?.(TYPED_INTO)) return
      if (event.key === '/') {
        search.current?.focus()
        search.current?.select()
      } else if (event.key === 'n') {
        go('/triggers/new')
      } else if ((event.key === 'j' || event.key === 'k') && !isInRow(event.target)) {
        // Into the table, to where one was in it; from there on the table moves by itself.
        focusTable()
      } else return
      event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [go, search])
}

const isInRow = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches('[data-row]')

/** Once the row that had the focus is gone, the table has it: call what is returned at its end. */
export function useFocusAfterDelete(rows: unknown): () => void {
  const isLost = useRef(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the rows that take the focus along
  useEffect(() => {
    if (!isLost.current || document.activeElement !== document.body) return
    isLost.current = false
    focusTable()
  }, [rows])
  return useCallback(() => {
    isLost.current = true
  }, [])
}
