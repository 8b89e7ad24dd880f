import type { Changes } from '../../app/address'
import { Button, ButtonLink } from '../../parts/Button'
import { Empty } from '../../parts/States'
import { words } from './text'
import { FILTERS, isNarrowed, type View } from './view'

interface Props {
  view: View
  search: URLSearchParams
  change: (changes: Changes) => void
}

/** Nothing to show: because nothing is there, or because of which filters. */
export function NoEvents({ view, search, change: changeAddress }: Props) {
  const { none } = words
  const change = (changes: Changes) => {
    changeAddress(changes)
    // The button goes with what it says.
    document.querySelector<HTMLElement>('[data-search]')?.focus()
  }
  if (isNarrowed(view)) {
    const named = FILTERS.filter((name) => search.get(name))
    return (
      <Empty title={none.match}>
        <ul className="log-named">
          {named.map((name) => (
            <li key={name}>
              <strong>{words.filters[name]}</strong> <span>{search.get(name)}</span>
            </li>
          ))}
        </ul>
        <p className="log-ways">
          <Button onClick={() => change(Object.fromEntries(FILTERS.map((name) => [name, null])))}>
            {none.clear}
          </Button>
          {view.life === 'active' ? (
            <Button onClick={() => change({ life: 'archived' })}>{none.toArchived}</Button>
          ) : (
            <Button onClick={() => change({ life: null })}>{none.toActive}</Button>
          )}
        </p>
      </Empty>
    )
  }
  return view.life === 'active' ? (
    <Empty title={none.active}>
      <p className="quiet">{none.activeHint}</p>
      <ButtonLink href="/triggers">{none.toTriggers}</ButtonLink>
    </Empty>
  ) : (
    <Empty title={none.archived}>
      <p className="quiet">{none.archivedHint}</p>
      <Button onClick={() => change({ life: null })}>{none.toActive}</Button>
    </Empty>
  )
}
