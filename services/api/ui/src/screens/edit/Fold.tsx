import type { ReactNode } from 'react'
import { Icon } from '../../parts/Icon'

interface Props {
  title: string
  /** What holds while it is closed: its defaults, or what was set. */
  summary: string
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
  children: ReactNode
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
