import { Button } from '../../parts/Button'
import { number } from '../../text'
import { words } from './text'

const EDITABLE = 100_000
const SHOWN = 20_000

export const isLarge = (text: string): boolean => text.length > EDITABLE

const size = (text: string): string => `${number(Math.round(text.length / 1000))} kB`

interface Props {
  name: string
  text: string
  onReplace?: (text: string) => void
}

/** More than a page shows without freezing: the beginning, and all of it as a file. */
export function Large({ name, text, onReplace }: Props) {
  function download(): void {
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `${name}.json`
    link.click()
    URL.revokeObjectURL(url)
  }

  return (
    <>
      <p>{words.payload.large(size(text))}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <pre className="edit-json" role="region" tabIndex={0} aria-label={name}>
        {text.slice(0, SHOWN)}…
      </pre>
      <div className="edit-length">
        <Button onClick={download}>{words.payload.download}</Button>
        {onReplace ? (
          <>
            <label className="button">
              {words.payload.file}
              <input
                className="unseen"
                type="file"
                accept="application/json,.json"
                onChange={(event) => {
                  void event.target.files?.[0]?.text().then(onReplace)
                }}
              />
            </label>
            <Button kind="quiet" onClick={() => onReplace('')}>
              {words.payload.remove}
            </Button>
          </>
        ) : null}
      </div>
    </>
  )
}

/** A payload to read, of any size. */
export function JsonText({ name, text }: { name: string; text: string }) {
  if (isLarge(text)) return <Large name={name} text={text} />
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <pre className="edit-json" role="region" tabIndex={0} aria-label={name}>
      {text}
    </pre>
  )
}
