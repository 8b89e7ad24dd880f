/** Definitions side by side, by field: an edit before it is saved, two versions, or a conflict. */
import type { ReactNode } from 'react'
import { text as said } from '../../text'
import type { Fields } from './draft'
import { same } from './json'
import { changedLines, type Row, rowsOf, shownOf } from './rows'
import { words } from './text'
import './Compare.css'

export interface Side {
  title: string
  /** Beside the title: by whom and when. */
  aside?: ReactNode
  /** A definition, as the API shows it. */
  fields: Fields
}

interface Props {
  /** The first one is what the others are compared with. */
  sides: readonly Side[]
  /** By which fields, where they are no trigger's. */
  rows?: readonly Row[]
  /** What stands at the end of a row, such as a choice. */
  choice?: { title: string; of: (row: string) => ReactNode }
}

/** The fields in which the sides differ; in longer values, the lines that do. */
export function Compare({ sides, rows: all, choice }: Props) {
  const rows = rowsOf(
    sides.map((side) => side.fields),
    all,
  )
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <div className="compare" role="region" aria-label={words.save.what} tabIndex={0}>
      <table className="compare-table">
        <thead>
          <tr>
            <th scope="col">{said.compare.field}</th>
            {sides.map((side) => (
              <th scope="col" key={side.title}>
                {side.title}
                {side.aside ? <div className="quiet compare-aside">{side.aside}</div> : null}
              </th>
            ))}
            {choice ? <th scope="col">{choice.title}</th> : null}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const base = shownOf(row, sides[0]?.fields ?? {})
            return (
              <tr key={row.key}>
                <th scope="row">{row.label}</th>
                {sides.map((side, index) => (
                  <td key={side.title}>
                    <Value
                      text={shownOf(row, side.fields)}
                      base={index === 0 ? null : base}
                      isChanged={
                        index > 0 &&
                        row.fields.some((key) => !same(side.fields[key], sides[0]?.fields[key]))
                      }
                    />
                  </td>
                ))}
                {choice ? <td>{choice.of(row.key)}</td> : null}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

const LINES = 400
/** What is longer scrolls within its cell: then it is reached by keys. */
const FITS = { lines: 12, characters: 300 }

function Value({
  text,
  base,
  isChanged,
}: {
  text: string
  base: string | null
  isChanged: boolean
}) {
  if (text === '') return <span className="quiet">{said.compare.unset}</span>
  const lines = text.split('\n')
  const changed = isChanged && base !== null ? changedLines(base, text) : new Set<number>()
  const mark = isChanged ? <span className="unseen">{said.compare.changed}: </span> : null
  const isLong = lines.length > FITS.lines || text.length > FITS.characters
  return (
    <pre
      className={isChanged ? 'compare-value is-changed' : 'compare-value'}
      tabIndex={isLong ? 0 : undefined}
    >
      {mark}
      {lines.slice(0, LINES).map((line, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place
          key={index}
          className={changed.has(index) ? 'compare-line is-changed' : 'compare-line'}
        >
          {line}
          {'\n'}
        </span>
      ))}
      {lines.length > LINES ? '…' : ''}
    </pre>
  )
}
