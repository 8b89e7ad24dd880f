import { useState } from 'react'
import { Button } from './Button'
import { Icon } from './Icon'

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

export async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const isCopied = document.execCommand('copy')
    area.remove()
    return isCopied
  }
}
