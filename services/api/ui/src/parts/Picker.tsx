import { Select } from '@base-ui/react/select'
import { Icon } from './Icon'
import './Picker.css'

export interface Choice<T extends string> {
  value: T
  label: string
}

interface Props<T extends string> {
  /** Said before what is chosen: `Type: any`. */
  label: string
  choices: readonly Choice<T>[]
  /** Several may be chosen where it is a list. */
  value: T | readonly T[]
  onChange: (value: T & readonly T[]) => void
  /** What is shown where none of several is chosen. */
  none?: string
  isLabelShown?: boolean
}

/** A choice among few. For many (zones) see ``SearchPicker``. */
export function Picker<T extends string>(props: Props<T>) {
  const { label, choices, value, onChange, none = 'any', isLabelShown = true } = props
  const many = Array.isArray(value)
  const names = (many ? (value as readonly T[]) : [value as T]).map(
    (one) => choices.find((choice) => choice.value === one)?.label ?? one,
  )
  const shown = names.length === 0 ? none : names.join(', ')
  return (
    <Select.Root
      items={choices}
      multiple={many as true}
      value={value as T[]}
      onValueChange={(chosen) => onChange(chosen as never)}
    >
      <Select.Trigger className="button picker" aria-label={`${label}: ${shown}`}>
        <span className="clip">{isLabelShown ? `${label}: ${shown}` : shown}</span>
        <Icon name="down" size={12} />
      </Select.Trigger>
      <Select.Portal>
        <Select.Positioner className="popup-place" alignItemWithTrigger={false} sideOffset={4}>
          <Select.Popup className="popup">
            <Select.List className="popup-list">
              {choices.map((choice) => (
                <Select.Item className="popup-item" key={choice.value} value={choice.value}>
                  <Select.ItemText>{choice.label}</Select.ItemText>
                  <Select.ItemIndicator className="popup-mark">
                    <Icon name="check" />
                  </Select.ItemIndicator>
                </Select.Item>
              ))}
            </Select.List>
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  )
}
