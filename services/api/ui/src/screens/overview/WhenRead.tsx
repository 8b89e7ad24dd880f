import type { ReactNode } from 'react'
import { NotRead } from '../../parts/NotRead'
import { type Asked, isInTrouble } from '../../parts/Trouble'

interface Props<T> {
  of: Asked & { data: T | undefined }
  /** Of the final size. */
  skeleton: ReactNode
  children: (data: T) => ReactNode
}

/** A part of the overview: what was read, however old, and below it why nothing newer is there.
 *
 * One line, and no live region: that the platform is away is told once, above all parts.
 */
export function WhenRead<T>({ of, skeleton, children }: Props<T>) {
  const isOld = isInTrouble(of)
  return (
    <>
      {of.data !== undefined ? (
        <div className={isOld ? 'overview-part is-stale' : 'overview-part'}>
          {children(of.data)}
        </div>
      ) : isOld ? null : (
        skeleton
      )}
      {isOld ? <NotRead query={of} /> : null}
    </>
  )
}
