import { useEffect, useId, useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { useTriggers } from '../api/triggers'
import { Dialog } from '../parts/Dialog'
import '../parts/Input.css'
import '../parts/Picker.css'
import { isInTrouble } from '../parts/Trouble'
import { text } from '../text'
import { chooseTheme } from '../theme'
import { useZoneMode } from '../time/zone'
import './Palette.css'

interface Entry {
  id: string
  label: string
  aside: string
  pick: () => void
}

const WAIT_MS = 150

/** Ctrl+K: whatever is wanted, by its name. */
export default function Palette({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const list = useId()
  const input = useRef<HTMLInputElement>(null)
  const commands = useCommands(onKeys)
  const { found, isKnown, isInVain } = useFound(query)

  const entries = useMemo(() => {
    const wanted = query.trim().toLowerCase()
    const fitting = commands.filter(({ label }) => label.toLowerCase().includes(wanted))
    return wanted ? [...found, ...fitting] : fitting
  }, [commands, found, query])
  const current = entries[Math.min(at, entries.length - 1)]

  function pick(entry: Entry | undefined): void {
    if (!entry) return
    onClose()
    entry.pick()
  }

  return (
    <Dialog isOpen onClose={onClose} title="Go to" initialFocus={input}>
      <input
        ref={input}
        className="input"
        role="combobox"
        aria-label="A trigger’s name, a screen or a setting"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={current ? `${list}-${current.id}` : undefined}
        placeholder="A trigger’s name, a screen or a setting"
        value={query}
        onChange={(event) => {
          setQuery(event.target.value)
          setAt(0)
        }}
        onKeyDown={(event) => {
          const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
          if (by !== undefined && entries.length > 0) {
            event.preventDefault()
            setAt((before) => (before + by + entries.length) % entries.length)
          } else if (event.key === 'Enter') {
            event.preventDefault()
            pick(current)
          }
        }}
      />
      <div role="listbox" id={list} aria-label="Found" className="palette-list">
        {entries.map((entry) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input above has the keys
          <div
            role="option"
            key={entry.id}
            id={`${list}-${entry.id}`}
            aria-selected={entry === current}
            className={entry === current ? 'popup-item is-current' : 'popup-item'}
            onClick={() => pick(entry)}
          >
            <span className="clip">{entry.label}</span>
            <span className="popup-aside">{entry.aside}</span>
          </div>
        ))}
      </div>
      <p className="quiet palette-said" role="status">
        {isInVain
          ? 'The triggers could not be asked.'
          : entries.length > 0
            ? ''
            : isKnown
              ? 'Nothing is called so.'
              : 'Searching …'}
      </p>
    </Dialog>
  )
}

/** Triggers whose names hold the words, once typing pauses. Until there is an answer to the words as
 * they are now, those of the one before that hold them, too.
 */
function useFound(query: string) {
  const [, go] = useLocation()
  const [asked, setAsked] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setAsked(query.trim()), WAIT_MS)
    return () => clearTimeout(timer)
  }, [query])
  const triggers = useTriggers({ q: asked, sort: 'name' }, { enabled: asked !== '' })
  const wanted = query.trim()
  const isAnswered = asked === wanted && triggers.isSuccess && !triggers.isPlaceholderData
  const found = useMemo(() => {
    if (!wanted) return []
    const all = triggers.data?.pages[0]?.rows ?? []
    const holds = (name: string) => name.toLowerCase().includes(wanted.toLowerCase())
    const found = isAnswered ? all : all.filter(({ name }) => holds(name))
    const begins = (name: string) => Number(name.toLowerCase().startsWith(wanted.toLowerCase()))
    const ranked = found.toSorted((a, b) => begins(b.name) - begins(a.name))
    return ranked.slice(0, 8).map(({ id, name, type }) => ({
      id,
      label: name,
      aside: type === 'api' ? 'api trigger' : 'trigger',
      pick: () => go(`/triggers/${id}`),
    }))
  }, [wanted, isAnswered, triggers.data, go])
  return {
    found,
    isKnown: wanted === '' || isAnswered,
    isInVain: wanted !== '' && asked === wanted && isInTrouble(triggers),
  }
}

function useCommands(onKeys: () => void): Entry[] {
  const [, go] = useLocation()
  const { choose } = useZoneMode()
  return useMemo(() => {
    const way = (label: string, href: string): Entry => ({
      id: href.replace(/\W/g, '-'),
      label,
      aside: 'screen',
      pick: () => go(href),
    })
    return [
      way('New trigger', '/triggers/new'),
      way('New target', '/targets/new'),
      way(text.nav.triggers, '/triggers'),
      way(text.nav.targets, '/targets'),
      way(text.nav.events, '/events'),
      way(text.nav.overview, '/overview'),
      way(text.nav.access, '/access'),
      ...(['light', 'dark', 'system'] as const).map((theme) => ({
        id: `theme-${theme}`,
        label: `${text.theme.label}: ${text.theme[theme]}`,
        aside: 'setting',
        pick: () => chooseTheme(theme),
      })),
      ...(['yours', 'utc', 'schedule'] as const).map((mode) => ({
        id: `zone-${mode}`,
        label: `${text.zone.label}: ${text.zone[mode]}`,
        aside: 'setting',
        pick: () => choose(mode),
      })),
      { id: 'keys', label: 'Keys', aside: '?', pick: onKeys },
    ]
  }, [go, choose, onKeys])
}
