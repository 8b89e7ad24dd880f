import type { ReactNode } from 'react'
import { useTargetsById } from '../../api/targets'
import { useTriggersById } from '../../api/triggers'
import { Instant } from '../../time/Instant'
import { setTo } from '../../time/relative'
import { nameOf } from '../targets/place'
import { words } from './text'
import type { FILTERS, View } from './view'

type Name = (typeof FILTERS)[number]

/** What narrows the log, in the words that it was chosen by. */
export function Named({ view }: { view: View }) {
  const triggers = useTriggersById(view.trigger)
  const targets = useTargetsById(view.target)
  const names = new Map<string, string>()
  for (const { id, name } of triggers.data ?? []) names.set(id, name)
  for (const target of targets.data ?? []) names.set(target.id, nameOf(target))
  const named = (ids: readonly string[]) => ids.map((id) => names.get(id) ?? id).join(', ')
  const shown: Record<Name, ReactNode> = {
    status: view.status.join(', '),
    source: view.source.join(', '),
    trigger: named(view.trigger),
    test: view.test === 'any' ? null : words.tests[view.test],
    late: view.late === null ? null : words.late(setTo(view.late)),
    delivery: view.delivery.map((state) => words.deliveries[state]).join(', '),
    target: named(view.target),
    q: view.q,
    from: view.from ? <Instant at={view.from} precise /> : null,
    to: view.to ? <Instant at={view.to} precise /> : null,
    replay_of: view.replayOf,
  }
  return (
    <ul className="log-named">
      {Object.entries(shown).map(([name, value]) =>
        value ? (
          <li key={name}>
            <strong>{words.filters[name]}</strong> <span>{value}</span>
          </li>
        ) : null,
      )}
    </ul>
  )
}
