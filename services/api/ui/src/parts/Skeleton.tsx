import { useEffect, useState } from 'react'
import './Skeleton.css'

/** Rows of the final size while the first answer is on its way; nothing at all for 150 ms. */
export function Skeleton({ rows = 6, height = 42 }: { rows?: number; height?: number }) {
  const [isDue, setDue] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), 150)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div role="status" aria-busy="true" className={isDue ? 'skeleton is-due' : 'skeleton'}>
      <span className="unseen">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows without content have no other name
        <svg key={row} className="skeleton-row" width="100%" height={height} aria-hidden="true">
          <rect x="12" y={height / 2 - 5} width={`${30 + ((row * 17) % 40)}%`} height="10" rx="3" />
        </svg>
      ))}
    </div>
  )
}
