import type { ReactNode } from 'react'
import { number, text as said } from '../text'
import { Button } from './Button'
import { download } from './download'
import './JsonText.css'

const words = said.json
/** In characters: browsers freeze on longer ones. */
const LONG = 100_000
const SHOWN = 20_000

export const isLarge = (text: string): boolean => text.length > LONG

interface Props {
  name: string
  text: string
  /** Other ways than to download it, where it is too long to show. */
  children?: ReactNode
}

/** JSON to read, which scrolls by itself, by keys too; of a long one its beginning, and all of it as
 * a file. */
export function JsonText({ name, text, children }: Props) {
  const isCut = isLarge(text)
  return (
    <div className="json">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <pre className="json-text" role="region" tabIndex={0} aria-label={name}>
        {isCut ? `${text.slice(0, SHOWN)}…` : text}
      </pre>
      {isCut ? (
        <div className="json-ways">
          <span className="quiet">{words.cut(kilobytes(SHOWN), kilobytes(text.length))}</span>
          <Button
            onClick={() => download(new Blob([text], { type: 'application/json' }), `${name}.json`)}
          >
            {words.download}
          </Button>
          {children}
        </div>
      ) : null}
    </div>
  )
}

const kilobytes = (size: number): string => `${number(Math.ceil(size / 1000))} kB`
