import { lazy } from 'react'
import { Opens } from './Opens'
import { PickerFace } from './PickerFace'

export interface SearchChoice {
  value: string
  /** Said at its end, quietly: an offset, a count. */
  aside?: string
}

export interface SearchPickerProps {
  label: string
  /** Undefined while they are being read. */
  choices: readonly SearchChoice[] | undefined
  value: string
  onChange: (value: string) => void
  placeholder: string
}

const load = () => import('./SearchPickerList')
const SearchPickerList = lazy(load)

/** A choice among many, which are searched; loaded when it is first wanted. */
export function SearchPicker(props: SearchPickerProps) {
  const { label, value, placeholder } = props
  const content = <PickerFace shown={value || placeholder} />
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
