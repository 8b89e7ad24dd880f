import { useState } from 'react'
import { Copy } from '../../parts/Copy'
import { JsonText } from '../../parts/JsonText'
import { Segments } from '../../parts/Segments'
import type { Opened } from './ahead'
import type { Draft } from './draft'
import { Fold } from './Fold'
import { curlOfDraft, natsOfDraft } from './snippets'
import { words } from './text'

const WAYS = [
  { value: 'curl', label: 'curl' },
  { value: 'nats', label: 'NATS' },
] as const

/** The same without this page. */
export function Snippets({ draft, opened }: { draft: Draft; opened: Opened | null }) {
  const [isOpen, setOpen] = useState(false)
  const [way, setWay] = useState<'curl' | 'nats'>('curl')
  return (
    <section className="edit-card edit-snippets" aria-label={words.snippets.title}>
      <Fold
        title={words.snippets.title}
        summary={words.snippets.hint}
        isOpen={isOpen}
        onToggle={setOpen}
      >
        {isOpen ? <Snippet draft={draft} opened={opened} way={way} onWay={setWay} /> : null}
      </Fold>
    </section>
  )
}

interface SnippetProps {
  draft: Draft
  opened: Opened | null
  way: 'curl' | 'nats'
  onWay: (way: 'curl' | 'nats') => void
}

function Snippet({ draft, opened, way, onWay }: SnippetProps) {
  const text = way === 'curl' ? curlOfDraft(draft, opened) : natsOfDraft(draft, opened)
  return (
    <>
      <div className="edit-length">
        <Segments label={words.snippets.title} choices={WAYS} value={way} onChange={onWay} />
        <Copy text={text} label={way === 'curl' ? words.snippets.curl : words.snippets.nats}>
          Copy
        </Copy>
      </div>
      <JsonText name={way} text={text} />
    </>
  )
}
