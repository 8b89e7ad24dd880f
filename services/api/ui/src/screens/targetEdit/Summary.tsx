import type { Ref } from 'react'
import { Link } from 'wouter'
import type { ApiError } from '../../api/problem'
import { ErrorCode } from '../../parts/ErrorCode'
import { text } from '../../text'
import { focusField } from '../edit/form'
import type { Placed } from '../edit/pointers'
import { words } from './text'

interface Props {
  ref: Ref<HTMLDivElement>
  errors: readonly Placed[]
  failed: ApiError | null
  isCreate: boolean
  name: string
}

/** Above the form after a save that came to nothing: what it was, and a way to each place. */
export function Summary({ ref, errors, failed, isCreate, name }: Props) {
  return (
    <div ref={ref} tabIndex={-1} className="edit-summary" role="alert">
      {errors.length > 0 ? (
        <div className="edit-refused">
          <h2>{words.save.refused(errors.length)}</h2>
          <ul>
            {errors.map(({ field, label, message, pointer, at }) => (
              <li key={`${pointer}${message}`}>
                {field === null ? (
                  <strong>{label}</strong>
                ) : (
                  <button type="button" className="edit-way" onClick={() => focusField(field, at)}>
                    {label}
                  </button>
                )}{' '}
                {message}
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      {failed ? (
        <div className="edit-refused">
          <h2>{failed.isAway ? text.state.away : words.save.failed}</h2>
          <p>{failed.status === 404 ? words.save.gone : failed.detail}</p>
          {isCreate && failed.isAway ? <p>{words.save.maybe}</p> : null}
          {failed.code === 'idempotency-mismatch' ? (
            <p>
              {words.save.other}{' '}
              <Link href={`/targets?q=${encodeURIComponent(name.trim())}`}>{words.save.look}</Link>
            </p>
          ) : null}
          <ErrorCode error={failed} />
        </div>
      ) : null}
    </div>
  )
}
