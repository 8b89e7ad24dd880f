import { useEffect, useRef } from 'react'
import { Button } from '../../parts/Button'
import { Copy } from '../../parts/Copy'
import { forgetOnce, useOnce } from './once'
import { words } from './text'
import './Secret.css'

/** The secret that was just made: nobody can show it again, so it stays until it is dismissed. */
export function SecretOnce({ id }: { id: string }) {
  const once = useOnce(id)
  const heading = useRef<HTMLHeadingElement>(null)
  const isThere = once !== null
  // The page is about it now; and it is told to whoever does not see it come.
  useEffect(() => {
    if (isThere) heading.current?.focus()
  }, [isThere])
  useEffect(
    () => () => {
      // Whoever leaves for another page has it, or rotates it.
      if (!location.pathname.endsWith(`/targets/${id}`)) forgetOnce()
    },
    [id],
  )
  if (once === null) return null
  const { secret } = words
  return (
    <section className="secret-once" aria-labelledby="secret-once">
      <h2 id="secret-once" ref={heading} tabIndex={-1}>
        {once.secret === null ? secret.lost : secret.title}
      </h2>
      {once.secret === null ? (
        <p>{secret.lostTold}</p>
      ) : (
        <>
          <p>{secret.told}</p>
          <p className="secret-text">
            <Copy text={once.secret} label={secret.copy} />
          </p>
        </>
      )}
      <div>
        <Button onClick={forgetOnce} heir={() => document.querySelector('main h1')}>
          {once.secret === null ? secret.close : secret.have}
        </Button>
      </div>
    </section>
  )
}
