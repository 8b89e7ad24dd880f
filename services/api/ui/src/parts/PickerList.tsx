import { Select } from '@base-ui/react/select'
import type { ReactNode } from 'react'
import { Icon } from './Icon'
import { useOpening } from './Opens'
import type { Choice } from './Picker'

interface Props {
  className: string
  label: string
  choices: readonly Choice<string>[]
  value: string | readonly string[]
  /** A list where several may be chosen. */
  onChange: (value: string | readonly string[]) => void
  /** What the shut picker shows. */
  children: ReactNode
}

/** A picker that was opened: see ``Picker`` for what it is before. */
export default function PickerList(props: Props) {
  const { className, label, choices, value, onChange, children } = props
  const { trigger, isOpen, setOpen } = useOpening()
  return (
    <Select.Root
      items={choices}
      multiple={Array.isArray(value) as true}
      value={value as string[]}
      onValueChange={onChange}
      open={isOpen}
      onOpenChange={setOpen}
    >
      <Select.Trigger ref={trigger} className={className} aria-label={label}>
        {children}
      </Select.Trigger>
      <Select.Portal>
        <Select.Positioner
          className="popup-place"
          alignItemWithTrigger={false}
          align="start"
          sideOffset={4}
        >
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
