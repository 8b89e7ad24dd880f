import { Icon } from './Icon'
import './Picker.css'

/** What the button of a picker shows: what is chosen after its name, and that it opens. */
export function PickerFace({ label, shown }: { label?: string | undefined; shown: string }) {
  return (
    <>
      <span className="clip">
        {label}
        <span className="picker-shown">{label ? `: ${shown}` : shown}</span>
      </span>
      <Icon name="down" size={12} />
    </>
  )
}
