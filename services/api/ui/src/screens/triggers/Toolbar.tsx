import { type RefObject, useMemo } from 'react'
import { useLabels } from '../../api/triggers'
import type { Changes } from '../../app/address'
import { Picker } from '../../parts/Picker'
import { Search } from '../../parts/Search'
import '../../parts/Toolbar.css'
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
      <Search label={words.search} q={filters.q} change={change} input={search} />
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
