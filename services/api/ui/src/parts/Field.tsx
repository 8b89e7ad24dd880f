import { Field as Base } from '@base-ui/react/field'
import type { ReactNode } from 'react'
import './Input.css'
import './Field.css'

interface Props {
  label: string
  /** The field's pointer in a refusal, `/cron`: summaries lead to it. */
  name?: string
  hint?: ReactNode
  error?: string | null
  children: ReactNode
}

/** A label, a control (``Input`` or one of its like), what is allowed, and what is wrong with it. */
export function Field({ label, name, hint, error, children }: Props) {
  return (
    <Base.Root className="field" invalid={Boolean(error)} data-pointer={name}>
      <Base.Label className="field-label">{label}</Base.Label>
      {children}
      {error ? (
        <Base.Error className="field-error" match>
          {error}
        </Base.Error>
      ) : null}
      {hint ? <Base.Description className="field-hint">{hint}</Base.Description> : null}
    </Base.Root>
  )
}

/** The text control of a ``Field``. */
export const Input = Base.Control
