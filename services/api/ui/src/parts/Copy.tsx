import { useState } from 'react'
import { text as words } from '../text'
import { Button } from './Button'
import { Icon } from './Icon'
import { tell } from './Toast'

/** Copies a text, and says that it did. Plain http off loopback has no clipboard: it selects then. */
export function Copy({
  text,
  label,
  children,
}: {
  text: string
  label: string
  children?: string
}) {
  const [isDone, setDone] = useState(false)

  async function copy(): Promise<void> {
    if (!(await toClipboard(text))) return
    setDone(true)
    setTimeout(() => setDone(false), 2_000)
  }

  return (
    <Button kind="quiet" className="copy" aria-label={label} title={label} onClick={copy}>
      <span>{children ?? text}</span>
      <Icon name={isDone ? 'check' : 'copy'} size={12} />
      <span className="unseen" aria-live="polite">
        {isDone ? 'Copied' : ''}
      </span>
    </Button>
  )
}

/** Whether it is copied now; where it is not, that is told. */
export async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const focused = document.activeElement as HTMLElement | null
    const area = document.createElement('textarea')
    area.value = text
    area.style.position = 'fixed'
    area.style.opacity = '0'
    // A dialog keeps the focus in it.
    const place = focused?.closest('[role=dialog]') ?? document.body
    place.append(area)
    area.focus({ preventScroll: true })
    area.select()
    const isCopied = document.execCommand('copy')
    area.remove()
    focused?.focus({ preventScroll: true })
    if (!isCopied) tell(words.notCopied, words.notCopiedHint)
    return isCopied
  }
}
