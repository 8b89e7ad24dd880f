import { Combobox } from '@base-ui/react/combobox'
import { Icon } from './Icon'
import './Picker.css'

export interface SearchChoice {
  value: string
  /** Said at its end, quietly: an offset, a count. */
  aside?: string
}

interface Props {
  label: string
  choices: readonly SearchChoice[]
  value: string
  onChange: (value: string) => void
  placeholder: string
}

const SHOWN = 60

/** A choice among many: a button, and the search inside of its popup. */
export function SearchPicker({ label, choices, value, onChange, placeholder }: Props) {
  const chosen = choices.find((choice) => choice.value === value) ?? { value }
  return (
    <Combobox.Root
      items={choices as SearchChoice[]}
      value={chosen}
      onValueChange={(choice: SearchChoice | null) => choice && onChange(choice.value)}
      itemToStringLabel={(choice: SearchChoice) => choice.value}
      isItemEqualToValue={(a: SearchChoice, b: SearchChoice) => a.value === b.value}
      limit={SHOWN}
      autoHighlight
    >
      <Combobox.Trigger className="button picker" aria-label={`${label}: ${value}`}>
        <span className="clip">{value || placeholder}</span>
        <Icon name="down" size={12} />
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner className="popup-place" sideOffset={4} align="start">
          <Combobox.Popup className="popup" aria-label={label}>
            <Combobox.Input className="input popup-search" placeholder={placeholder} />
            <Combobox.Empty>
              <div className="popup-empty">None has this in its name.</div>
            </Combobox.Empty>
            <Combobox.List>
              {(choice: SearchChoice) => (
                <Combobox.Item className="popup-item" key={choice.value} value={choice}>
                  {choice.value}
                  {choice.aside ? <span className="popup-aside">{choice.aside}</span> : null}
                </Combobox.Item>
              )}
            </Combobox.List>
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  )
}
