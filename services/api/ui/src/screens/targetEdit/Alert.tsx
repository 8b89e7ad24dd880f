import { TargetPicker } from '../targets/TargetPicker'
import { words } from './text'

/** The target that is told; at most one. */
export function Alert({
  id,
  onChange,
}: {
  id: string | null
  onChange: (id: string | null) => void
}) {
  return (
    <div>
      <TargetPicker
        label={words.fold.alert}
        none={words.alert.none}
        ids={id === null ? [] : [id]}
        most={1}
        onChange={(ids) => onChange(ids.at(-1) ?? null)}
      />
    </div>
  )
}
