import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { drawSelection, EditorView, keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'

interface Props {
  label: string
  /** What it begins with. What is typed later is told, and never set again from outside. */
  initial: string
  onChange: (text: string) => void
  isFocused: boolean
}

// Its own highlight style has a contrast of 1.06 in the dark; these are the page's inks.
const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--fired)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--missed)' },
  { tag: [tags.separator, tags.squareBracket, tags.brace], color: 'var(--ink2)' },
])

const LOOK = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'transparent', fontSize: '12px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', maxHeight: '360px' },
  '.cm-content': { minHeight: '96px', padding: '6px 0', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
    { background: 'var(--accent-wash)' },
  '&.cm-focused .cm-matchingBracket': {
    background: 'var(--sunk)',
    outline: '1px solid var(--edge)',
  },
})

/** JSON with its colours. It lives in a shadow root: there its styles are adopted sheets, which the
 * page's content security policy lets be, where a style element would be refused. */
export default function JsonEditor({ label, initial, onChange, isFocused }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const tell = useRef(onChange)
  tell.current = onChange
  // biome-ignore lint/correctness/useExhaustiveDependencies: an editor fed again would rewrite under the cursor
  useEffect(() => {
    const element = host.current
    if (!element) return
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' })
    const view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: initial,
        extensions: [
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          json(),
          syntaxHighlighting(COLOURS),
          LOOK,
          EditorView.lineWrapping,
          // Escape, then Tab leaves it: the editor's own rule.
          keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
          EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) tell.current(update.state.doc.toString())
          }),
        ],
      }),
    })
    if (isFocused) view.focus()
    return () => view.destroy()
  }, [])
  return <div className="input edit-editor" data-editor ref={host} />
}
