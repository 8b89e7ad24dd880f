import { type HTMLAttributes, type KeyboardEvent, useState } from 'react'

interface Steps {
  /** The chosen one; null until one is stepped to, and when the picture is left. */
  at: number | null
  /** Of the picture: a slider over what it shows. */
  slider: (label: string, said: string) => HTMLAttributes<HTMLElement>
}

/** A picture of `count` things that keys step through, the newest first. */
export function useSteps(count: number): Steps {
  const [chosen, setChosen] = useState<number | null>(null)
  const last = count - 1
  const at = chosen === null || count === 0 ? null : Math.min(chosen, last)

  function step(event: KeyboardEvent): void {
    const from = at ?? count
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: last }[event.key]
    if (to !== undefined) {
      event.preventDefault()
      setChosen(Math.min(Math.max(to, 0), last))
    } else if (event.key === 'Escape') setChosen(null)
  }

  return {
    at,
    slider: (label, said) => ({
      role: 'slider',
      tabIndex: 0,
      'aria-label': label,
      'aria-valuemin': 0,
      'aria-valuemax': Math.max(0, last),
      'aria-valuenow': Math.max(0, at ?? last),
      'aria-valuetext': said,
      onKeyDown: step,
      onBlur: () => setChosen(null),
    }),
  }
}
