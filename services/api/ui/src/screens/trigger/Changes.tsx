import type { FieldName } from '../../api/definition'
import { text as said } from '../../text'
import type { Change } from './diff'
import { words } from './text'

const LONG = 2_000

/** A value of a definition, as JSON but for plain texts; long ones are cut. */
export function shown(value: unknown, field?: FieldName): string {
  if (value === undefined) return words.history.absent
  if (field === 'interval' && typeof value === 'number') return said.seconds(value)
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text
}

interface Props {
  changes: readonly Change[]
  label: string
  before?: string
  after?: string
}

/** Field by field, before and after; within a payload by pointer. */
export function Changes({ changes, label, before, after }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <div className="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table className="plain changes" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{words.history.field}</th>
            <th scope="col">{before ?? words.history.before}</th>
            <th scope="col">{after ?? words.history.after}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.field + change.pointer}>
              <th scope="row">
                {said.field[change.field]}
                {change.pointer ? <code className="change-at">{change.pointer}</code> : null}
              </th>
              <Value change={change} kind="before" />
              <Value change={change} kind="after" />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Value({ change, kind }: { change: Change; kind: 'before' | 'after' }) {
  const value = change[kind]
  return (
    <td className={value === undefined ? 'change-absent' : `change-${kind}`}>
      <span className="change-value">{shown(value, change.field)}</span>
    </td>
  )
}
