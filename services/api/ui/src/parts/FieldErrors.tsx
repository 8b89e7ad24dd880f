import type { FieldError } from '../api/problem'
import './FieldErrors.css'

/** What was wrong with which field, by its pointer. */
export function FieldErrors({ errors }: { errors: readonly FieldError[] }) {
  if (errors.length === 0) return null
  return (
    <ul className="field-errors">
      {errors.map(({ pointer, message }) => (
        <li key={pointer + message}>
          <code>{pointer || '/'}</code> {message}
        </li>
      ))}
    </ul>
  )
}
