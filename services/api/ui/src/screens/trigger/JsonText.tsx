import { words } from './text'

/** Browsers freeze on longer ones; the rest is a download away. */
const SHOWN = 20_000
const LONG = 100_000

interface Props {
  label: string
  text: string
  /** Where the API has all of it. */
  href: string
}

/** JSON to read; it scrolls by itself, by keys too. */
export function JsonText({ label, text, href }: Props) {
  const isCut = text.length > LONG
  return (
    <div className="json">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <pre className="json-text" tabIndex={0} role="region" aria-label={label}>
        {isCut ? text.slice(0, SHOWN) : text}
      </pre>
      {isCut ? (
        <p className="quiet">
          {words.definition.cut(text.length)}{' '}
          <a href={href} download>
            {words.definition.whole}
          </a>
        </p>
      ) : null}
    </div>
  )
}
