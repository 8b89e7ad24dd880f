import './Marks.css'

interface Props {
  /** From 0 to 1. */
  part: number
  width?: string
  /** Where something happens on the way, from 0 to 1. */
  notch?: number
}

/** A thin bar, filled by a part; the words beside it say the same. */
export function Portion({ part, width = '100%', notch }: Props) {
  return (
    <svg
      className="portion"
      width={width}
      height="5"
      viewBox="0 0 100 5"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect className="portion-ground" width="100" height="5" />
      <rect className="portion-part" width={Math.min(1, Math.max(0, part)) * 100} height="5" />
      {notch === undefined ? null : (
        <rect className="portion-notch" x={notch * 100} width="1" height="5" />
      )}
    </svg>
  )
}
