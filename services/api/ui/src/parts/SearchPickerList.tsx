import { Combobox } from '@base-ui/react/combobox'
import type { ReactNode } from 'react'
import { useOpening } from './Opens'
import type { SearchChoice, SearchPickerProps } from './SearchPicker'

interface Props extends SearchPickerProps {
  /** What the shut picker shows. */
  children: ReactNode
}

const SHOWN = 60

/** A picker of many that was opened: the search stands inside of its popup. */
export default function SearchPickerList(props: Props) {
  const { label, choices, value, onChange, placeholder, children } = props
  const { trigger, isOpen, setOpen } = useOpening()
  const chosen = choices?.find((choice) => choice.value === value) ?? { value }
  return (
    <Combobox.Root
      items={(choices ?? []) as SearchChoice[]}
      value={chosen}
      onValueChange={(choice: SearchChoice | null) => choice && onChange(choice.value)}
      itemToStringLabel={(choice: SearchChoice) => choice.value}
      isItemEqualToValue={(a: SearchChoice, b: SearchChoice) => a.value === b.value}
      limit={SHOWN}
      autoHighlight
      open={isOpen}
      onOpenChange={setOpen}
    >
      <Combobox.Trigger ref={trigger} className="button picker" aria-label={`${label}: ${value}`}>
        {children}
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner className="popup-place" sideOffset={4} align="start">
          <Combobox.Popup className="popup" aria-label={label}>
            <Combobox.Input
              className="input popup-search"
              placeholder={placeholder}
              aria-label={placeholder}
            />
            <Combobox.Empty>
              <div className="popup-empty">
                {choices ? 'None has this in its name.' : 'Being read …'}
              </div>
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
