import { fieldText } from '../../parts/fieldText'
import { text } from '../../text'
import type { Change } from './diff'

const LONG = 2_000

/** Long ones are cut: all of it is shown as JSON elsewhere. */
function shown(value: unknown, field: string): string {
  const all = fieldText(value, field)
  // An empty list says nothing; an empty text may be a payload.
  if (all === '' && value !== '') return text.compare.unset
  return all.length > LONG ? `${all.slice(0, LONG)}…` : all
}

interface Props {
  changes: readonly Change<string>[]
  label: string
  /** The fields' names, where they are no trigger's. */
  names?: Readonly<Record<string, string>>
  before?: string
  after?: string
}

/** Field by field, before and after; within a payload by pointer. */
export function Changes({ changes, label, names = text.field, before, after }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <div className="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table className="plain changes" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{text.compare.field}</th>
            <th scope="col">{before ?? text.times.before}</th>
            <th scope="col">{after ?? text.times.after}</th>
          </tr>
        </thead>
        <tbody>
          {changes.map((change) => (
            <tr key={change.field + change.pointer}>
              <th scope="row">
                {names[change.field] ?? change.field}
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

function Value({ change, kind }: { change: Change<string>; kind: 'before' | 'after' }) {
  const value = change[kind]
  return (
    <td className={value === undefined ? 'change-absent' : `change-${kind}`}>
      <span className="change-value">{shown(value, change.field)}</span>
    </td>
  )
}
