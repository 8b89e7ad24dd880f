import { Icon } from './Icon'
import './Tag.css'

export type Result = 'fired' | 'late' | 'missed' | 'rejected' | 'test'

/** What an event is told as: tests apart, and fired ones that were late by a second or more. */
export function resultOf(event: {
  status: string
  is_test: boolean
  lateness: number | null
}): Result {
  if (event.is_test) return 'test'
  if (event.status === 'missed' || event.status === 'rejected') return event.status
  return event.lateness !== null && event.lateness >= 1 ? 'late' : 'fired'
}

/** A result by shape, colour and word; a test says what became of it, too. */
export function Tag({ result, word }: { result: Result; word?: string }) {
  return (
    <span className={`tag tag-${result}`}>
      <Icon name={result} />
      {word ?? result}
    </span>
  )
}
