import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react'
import { Link } from 'wouter'
import './Button.css'
import { type Heir, useHeir } from './heir'

type Kind = 'plain' | 'primary' | 'quiet' | 'danger'

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind
  /** Only a sign: `aria-label` says what it does. */
  isSign?: boolean
  /** Shown as at work, and not to be pressed again. */
  isBusy?: boolean
  /** Who has the focus if this leaves with it; else the part of the page that it is in. */
  heir?: Heir
  ref?: Ref<HTMLButtonElement>
}

export function Button({ kind = 'plain', isSign, isBusy, heir, className, ...rest }: Props) {
  const { onFocus, onPress } = useHeir(rest.disabled ?? false, heir)
  const names = ['button', `button-${kind}`, isSign && 'button-sign', className]
  return (
    <button
      type="button"
      {...rest}
      className={names.filter(Boolean).join(' ')}
      aria-busy={isBusy || undefined}
      onFocus={(event) => {
        onFocus(event)
        rest.onFocus?.(event)
      }}
      onClick={(event) => {
        if (isBusy) return
        onPress()
        rest.onClick?.(event)
      }}
    />
  )
}

/** A link that looks like a button: it leads to an address. */
export function ButtonLink({
  href,
  kind = 'plain',
  children,
}: {
  href: string
  kind?: Kind
  children: ReactNode
}) {
  return (
    <Link href={href} className={`button button-${kind}`}>
      {children}
    </Link>
  )
}
