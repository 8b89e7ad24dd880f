import { Toggle } from '@base-ui/react/toggle'
import { ToggleGroup } from '@base-ui/react/toggle-group'
import './Segments.css'

interface Props<T extends string> {
  label: string
  choices: readonly { value: T; label: string }[]
  value: T
  onChange: (value: T) => void
}

/** One of two to four, all in sight. */
export function Segments<T extends string>({ label, choices, value, onChange }: Props<T>) {
  return (
    <ToggleGroup
      className="segments"
      aria-label={label}
      value={[value]}
      onValueChange={(chosen) => chosen[0] && onChange(chosen[0] as T)}
    >
      {choices.map((choice) => (
        <Toggle className="segment" key={choice.value} value={choice.value}>
          {choice.label}
        </Toggle>
      ))}
    </ToggleGroup>
  )
}
