import { useEffect, useRef, useState } from 'react'
import { useLives } from '../../api/operations'
import type { Changes } from '../../app/address'
import '../../parts/Field.css'
import { Picker } from '../../parts/Picker'
import { setTo } from '../../time/relative'
import { TargetPicker } from '../targets/TargetPicker'
import { TriggerFacet } from './TriggerFacet'
import { words } from './text'
import { DELIVERIES, latesOf, SOURCES, STATUSES, TESTS, type View } from './view'

interface Props {
  view: View
  change: (changes: Changes, isTyping?: boolean) => void
}

const choice = <T extends string>(value: T) => ({ value, label: value })
const PAUSE = 150
/** As many as an address has room for. */
const TARGETS = 100

export function Filters({ view, change }: Props) {
  const misfire = useLives()?.misfire_grace_s
  const lates = latesOf(misfire, view.late)
  return (
    <div className="log-filters" role="search">
      <Words value={view.q} onChange={(q) => change({ q }, true)} />
      <Picker
        label={words.filters.status ?? ''}
        choices={STATUSES.map(choice)}
        value={view.status}
        onChange={(status) => change({ status })}
      />
      <Picker
        label={words.filters.source ?? ''}
        choices={SOURCES.map(choice)}
        value={view.source}
        onChange={(source) => change({ source })}
      />
      <TriggerFacet ids={view.trigger} onChange={(trigger) => change({ trigger })} />
      <Picker
        label={words.filters.test ?? ''}
        choices={TESTS.map((value) => ({ value, label: words.tests[value] }))}
        value={view.test}
        onChange={(test) => change({ test: test === 'any' ? null : test })}
      />
      <Picker
        label={words.filters.late ?? ''}
        choices={[
          { value: '', label: words.late(null) },
          ...lates.map((late) => ({ value: String(late), label: words.late(setTo(late)) })),
        ]}
        value={String(view.late ?? '')}
        onChange={(value) => change({ late: value })}
      />
      <Picker
        label={words.filters.delivery ?? ''}
        choices={DELIVERIES.map((value) => ({ value, label: words.deliveries[value] }))}
        value={view.delivery}
        onChange={(delivery) => change({ delivery })}
      />
      <TargetPicker
        label={words.filters.target ?? ''}
        isLabelShown
        none={words.anyTarget}
        ids={view.target}
        most={TARGETS}
        onChange={(target) => change({ target })}
      />
    </div>
  )
}

/** What is typed is asked for when the typing pauses. */
function Words({ value, onChange }: { value: string; onChange: (q: string) => void }) {
  const [typed, setTyped] = useState(value)
  const tell = useRef(onChange)
  tell.current = onChange

  // Back, or a filter that was cleared: the field follows the address, not while one types in it.
  useEffect(() => setTyped(value), [value])

  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => tell.current(typed), PAUSE)
    return () => clearTimeout(timer)
  }, [typed, value])

  return (
    <input
      className="input log-words"
      type="search"
      data-search
      aria-label={words.search}
      aria-keyshortcuts="/"
      placeholder={words.searchHint}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
    />
  )
}
