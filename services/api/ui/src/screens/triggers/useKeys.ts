import { type RefObject, useEffect } from 'react'
import { useLocation } from 'wouter'

const TYPED_INTO =
  'input:not([type=checkbox]), textarea, select, [contenteditable], [role=dialog], [role=menu], [role=listbox]'

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
        document.querySelector<HTMLElement>('.triggers-table [data-row][tabindex="0"]')?.focus()
      } else return
      event.preventDefault()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [go, search])
}

const isInRow = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches('[data-row]')
