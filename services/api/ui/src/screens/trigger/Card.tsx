import { type ReactNode, useId } from 'react'

interface Props {
  title: ReactNode
  /** At the other end of its head. */
  aside?: ReactNode
  className?: string
  children?: ReactNode
}

/** A part of the page, named by its head. */
export function Card({ title, aside, className = 'card', children }: Props) {
  const id = useId()
  return (
    <section className={className} aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  )
}
