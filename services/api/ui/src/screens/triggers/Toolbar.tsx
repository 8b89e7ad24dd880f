import { type RefObject, useEffect, useMemo, useRef, useState } from 'react'
import { useLabels } from '../../api/triggers'
import type { Changes } from '../../app/address'
import '../../parts/Input.css'
import { Picker } from '../../parts/Picker'
import { DUES, type Filters, joinLabels, SORTS, STATUSES, TYPES } from './filters'
import { words } from './text'

interface Props {
  filters: Filters
  change: (changes: Changes, isTyping?: boolean) => void
  search: RefObject<HTMLInputElement | null>
}

const named = <T extends string>(values: readonly T[], names: Record<string, string>) =>
  values.map((value) => ({ value, label: names[value] ?? words.any }))

/** What of the list is shown, and in which order. */
export function Toolbar({ filters, change, search }: Props) {
  const labels = useLabels()
  const { label } = filters
  const choices = useMemo(() => {
    const known = labels.data ?? []
    const unknown = label.filter((one) => !known.some((each) => each.label === one))
    return [
      ...known.map((one) => ({ value: one.label, label: `${one.label} (${one.count})` })),
      ...unknown.map((one) => ({ value: one, label: one })),
    ]
  }, [labels.data, label])
  const pick = (name: string) => (value: string) =>
    change({ [name]: value === 'any' ? null : value })
  return (
    <div className="toolbar" role="search">
      <Search q={filters.q} change={change} input={search} />
      <Picker
        label={words.type.label}
        choices={named(TYPES, words.type)}
        value={filters.type}
        onChange={pick('type')}
      />
      <Picker
        label={words.status.label}
        choices={named(STATUSES, words.status)}
        value={filters.status}
        onChange={pick('status')}
      />
      <Picker
        label={words.label}
        choices={choices}
        value={label}
        none={words.any}
        onChange={(chosen) => change({ label: joinLabels(chosen as readonly string[]) })}
      />
      <Picker
        label={words.due.label}
        choices={named(DUES, words.due)}
        value={filters.due}
        onChange={pick('due')}
      />
      <Picker
        label={words.sort.label}
        choices={named(SORTS, words.sort)}
        value={filters.sort}
        onChange={(sort) => change({ sort: sort === SORTS[0] ? null : sort })}
      />
    </div>
  )
}

interface SearchProps {
  q: string
  change: Props['change']
  input: Props['search']
}

/** Typed words go into the address a moment after the last key; Back brings older ones here. */
function Search({ q, change, input }: SearchProps) {
  const [typed, setTyped] = useState(q)
  const sent = useRef(q)
  useEffect(() => {
    if (q === sent.current) return
    sent.current = q
    setTyped(q)
  }, [q])
  useEffect(() => {
    if (typed === sent.current) return undefined
    const timer = setTimeout(() => {
      sent.current = typed
      change({ q: typed }, true)
    }, 150)
    return () => clearTimeout(timer)
  }, [typed, change])
  return (
    <span className="search">
      <input
        ref={input}
        className="input"
        type="search"
        aria-label={words.search}
        aria-keyshortcuts="/"
        placeholder={words.search}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && typed) setTyped('')
        }}
      />
      {typed ? null : <kbd className="search-key">/</kbd>}
    </span>
  )
}
