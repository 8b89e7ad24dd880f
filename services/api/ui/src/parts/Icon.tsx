/** The page's signs, drawn and not typed: the same with any font. Beside words they are hidden. */
const PATHS = {
  fired: <circle cx="8" cy="8" r="4.2" fill="currentColor" />,
  late: (
    <>
      <circle cx="8" cy="8" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M8 3.8a4.2 4.2 0 0 1 0 8.4z" fill="currentColor" />
    </>
  ),
  missed: (
    <g fill="none" stroke="currentColor" strokeWidth="1.6">
      <circle cx="8" cy="8" r="4.4" />
      <path d="M4.9 11.1l6.2-6.2" />
    </g>
  ),
  rejected: <path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" strokeWidth="2.2" />,
  test: (
    <path
      d="M8 2.6L13.4 8 8 13.4 2.6 8z"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeDasharray="2.2 1.6"
    />
  ),
  play: <path d="M5 3.2v9.6L12.6 8z" fill="currentColor" />,
  more: (
    <g fill="currentColor">
      <circle cx="3.5" cy="8" r="1.4" />
      <circle cx="8" cy="8" r="1.4" />
      <circle cx="12.5" cy="8" r="1.4" />
    </g>
  ),
  down: <path d="M4 6.2l4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.6" />,
  close: <path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" strokeWidth="1.4" />,
  check: <path d="M3.4 8.4l3 3 6.2-6.6" fill="none" stroke="currentColor" strokeWidth="1.8" />,
  search: (
    <g fill="none" stroke="currentColor" strokeWidth="1.5">
      <circle cx="7" cy="7" r="4" />
      <path d="M10 10l3.6 3.6" />
    </g>
  ),
  copy: (
    <g fill="none" stroke="currentColor" strokeWidth="1.4">
      <path d="M5.5 5.5h7v7h-7z" />
      <path d="M10.5 5.5v-2h-7v7h2" />
    </g>
  ),
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name, size = 14 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      {PATHS[name]}
    </svg>
  )
}
