import { number } from '../text'
import './Figure.css'

interface Props {
  /** Not known yet without one. */
  value: number | null | undefined
  word: string
  /** Has its colour where there is any. */
  result?: string | undefined
}

/** How many, over what of; what it leads to is around it. */
export function Figure({ value, word, result }: Props) {
  return (
    <>
      <span className={value && result ? `figure is-${result}` : 'figure'}>
        {value === null || value === undefined ? '–' : number(value)}
      </span>
      <span className="figure-word">{word}</span>
    </>
  )
}
