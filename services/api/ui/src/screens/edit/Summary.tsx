import type { Ref } from 'react'
import { Link } from 'wouter'
import type { ApiError } from '../../api/problem'
import { Button } from '../../parts/Button'
import { ErrorCode } from '../../parts/ErrorCode'
import { NOT_LOADED } from '../../parts/loading'
import { text } from '../../text'
import { focusField } from './form'
import type { Placed } from './pointers'

interface Props {
  ref: Ref<HTMLDivElement>
  errors: readonly Placed[]
  failed: ApiError | null
  isCreate: boolean
  name: string
  words: Words
  /** Where what may have been stored is looked for by its name. */
  list: string
}

interface Words {
  refused: (count: number) => string
  failed: string
  gone: string
  maybe: string
  other: string
  look: string
  /** Of forms that need more than they came with. */
  notLoaded?: string
  typed?: string
}

/** Above the form after a save that came to nothing: what it was, and a way to each place. */
export function Summary({ ref, errors, failed, isCreate, name, words, list }: Props) {
  return (
    <div ref={ref} tabIndex={-1} className="edit-summary" role="alert">
      {errors.length > 0 ? (
        <div className="edit-refused">
          <h2>{words.refused(errors.length)}</h2>
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
      {failed?.code === NOT_LOADED ? (
        <div className="edit-refused">
          <h2>{words.notLoaded}</h2>
          <p>
            {failed.detail} {words.typed}
          </p>
          <Button type="submit">{text.state.retry}</Button>
        </div>
      ) : failed ? (
        <div className="edit-refused">
          <h2>{failed.isAway ? text.state.away : words.failed}</h2>
          <p>{failed.status === 404 ? words.gone : failed.detail}</p>
          {isCreate && failed.isAway ? <p>{words.maybe}</p> : null}
          {failed.code === 'idempotency-mismatch' ? (
            <p>
              {words.other}{' '}
              <Link href={`${list}?q=${encodeURIComponent(name.trim())}`}>{words.look}</Link>
            </p>
          ) : null}
          <ErrorCode error={failed} />
        </div>
      ) : null}
    </div>
  )
}
