import { lazy } from 'react'
import { Icon } from './Icon'
import { Opens } from './Opens'
import './Picker.css'

export interface SearchChoice {
  value: string
  /** Said at its end, quietly: an offset, a count. */
  aside?: string
}

export interface SearchPickerProps {
  label: string
  choices: readonly SearchChoice[]
  value: string
  onChange: (value: string) => void
  placeholder: string
}

const load = () => import('./SearchPickerList')
const SearchPickerList = lazy(load)

/** A choice among many, which are searched; loaded when it is first wanted. */
export function SearchPicker(props: SearchPickerProps) {
  const { label, value, placeholder } = props
  const content = (
    <>
      <span className="clip">{value || placeholder}</span>
      <Icon name="down" size={12} />
    </>
  )
  return (
    <Opens
      popup="dialog"
      className="button picker"
      label={`${label}: ${value}`}
      load={load}
      part={<SearchPickerList {...props}>{content}</SearchPickerList>}
    >
      {content}
    </Opens>
  )
}
