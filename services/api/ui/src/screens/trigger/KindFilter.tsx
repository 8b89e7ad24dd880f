import '../../parts/Field.css'
import { KINDS, type Kind } from './story'
import { words } from './text'

interface Props {
  kinds: readonly Kind[]
  onChange: (kinds: Kind[]) => void
}

/** Which kinds of entries are shown; the last one cannot be taken away. */
export function KindFilter({ kinds, onChange }: Props) {
  return (
    <fieldset className="kinds">
      <legend className="unseen">{words.log.filter}</legend>
      {KINDS.map((kind) => (
        <label key={kind} className="check kind">
          <input
            type="checkbox"
            checked={kinds.includes(kind)}
            onChange={({ target }) => {
              const next = KINDS.filter((each) =>
                each === kind ? target.checked : kinds.includes(each),
              )
              if (next.length > 0) onChange(next)
            }}
          />
          {words.log.kinds[kind]}
        </label>
      ))}
    </fieldset>
  )
}
