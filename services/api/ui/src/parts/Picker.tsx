import { lazy } from 'react'
import { Opens } from './Opens'
import { PickerFace } from './PickerFace'

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

const load = () => import('./PickerList')
const PickerList = lazy(load)

/** A choice among few; its list is loaded when it is first wanted. For many see ``SearchPicker``. */
export function Picker<T extends string>(props: Props<T>) {
  const { label, choices, value, onChange, none = 'any', isLabelShown = true } = props
  const many = Array.isArray(value)
  const names = (many ? (value as readonly T[]) : [value as T]).map(
    (one) => choices.find((choice) => choice.value === one)?.label ?? one,
  )
  const shown = names.length === 0 ? none : names.join(', ')
  // A filter that filters nothing is its name alone where there is little room.
  const isAny = isLabelShown && (many ? names.length === 0 : value === '' || value === 'any')
  const className = isAny ? 'button picker is-any' : 'button picker'
  const name = `${label}: ${shown}`
  const content = <PickerFace label={isLabelShown ? label : undefined} shown={shown} />
  return (
    <Opens
      popup="listbox"
      className={className}
      label={name}
      load={load}
      part={
        <PickerList
          className={className}
          label={name}
          choices={choices}
          value={value}
          onChange={(chosen) => onChange(chosen as never)}
        >
          {content}
        </PickerList>
      }
    >
      {content}
    </Opens>
  )
}
