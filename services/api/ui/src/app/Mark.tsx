/** The platform's sign: an instant on a line. */
export function Mark() {
  return (
    <svg width="18" height="18" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M3 3v10M3 8h6" fill="none" stroke="var(--ink)" strokeWidth="1.8" />
      <circle cx="11.4" cy="8" r="3.1" fill="var(--accent)" />
    </svg>
  )
}
