import type { Changes } from '../../app/address'
import { Button, ButtonLink } from '../../parts/Button'
import { Empty } from '../../parts/States'
import { Named } from './Named'
import { words } from './text'
import { FILTERS, isNarrowed, type View } from './view'

interface Props {
  view: View
  change: (changes: Changes) => void
}

/** Nothing to show: because nothing is there, or because of which filters. */
export function NoEvents({ view, change: changeAddress }: Props) {
  const { none } = words
  const change = (changes: Changes) => {
    changeAddress(changes)
    // The button goes with what it says.
    document.querySelector<HTMLElement>('[data-search]')?.focus()
  }
  if (isNarrowed(view)) {
    return (
      <Empty title={none.match}>
        <Named view={view} />
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
