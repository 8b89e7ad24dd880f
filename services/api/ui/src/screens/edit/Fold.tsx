import { type ReactNode, useEffect, useState } from 'react'
import { Icon } from '../../parts/Icon'
import type { Faults } from './form'

interface Props {
  title: string
  /** What holds while it is closed: its defaults, or what was set. */
  summary: string
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
  children: ReactNode
}

/** Closed at first; an error inside opens it. */
export function useFold({ errors }: Faults, name: string): [boolean, (isOpen: boolean) => void] {
  const [isOpen, setOpen] = useState(false)
  useEffect(() => {
    if (errors.some((error) => error.fold === name)) setOpen(true)
  }, [errors, name])
  return [isOpen, setOpen]
}

/** What most never need: closed, and saying what holds. */
export function Fold({ title, summary, isOpen, onToggle, children }: Props) {
  return (
    <details
      className="edit-fold"
      open={isOpen}
      onToggle={(event) => onToggle(event.currentTarget.open)}
    >
      <summary>
        <Icon name="down" size={12} />
        <span className="edit-fold-title">{title}</span>
        <span className="edit-fold-summary">{summary}</span>
      </summary>
      <div className="edit-fold-body">{children}</div>
    </details>
  )
}
