import { useEffect, useRef } from 'react'

interface Props {
  label: string
  isOn: boolean
  isSome?: boolean
  onToggle: (isRange: boolean) => void
}

/** The box before a row; with Shift it takes all from the last one to here. */
export function Check({ label, isOn, isSome = false, onToggle }: Props) {
  const box = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (box.current) box.current.indeterminate = isSome && !isOn
  }, [isSome, isOn])
  return (
    <label className="row-check">
      <input
        ref={box}
        type="checkbox"
        aria-label={label}
        checked={isOn}
        onChange={(event) => onToggle((event.nativeEvent as MouseEvent).shiftKey === true)}
      />
    </label>
  )
}
