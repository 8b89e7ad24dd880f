import { Tabs as Base } from '@base-ui/react/tabs'
import { type ReactNode, Suspense } from 'react'
import { Skeleton } from './Skeleton'
import './Tabs.css'

export interface Tab<T extends string> {
  value: T
  label: string
  content: () => ReactNode
}

interface Props<T extends string> {
  label: string
  tabs: readonly Tab<T>[]
  value: T
  onChange: (value: T) => void
}

/** Views of one thing; which is open stands in the address, so the caller keeps it. */
export function Tabs<T extends string>({ label, tabs, value, onChange }: Props<T>) {
  return (
    <Base.Root value={value} onValueChange={(chosen) => onChange(chosen as T)}>
      <Base.List className="tabs" aria-label={label}>
        {tabs.map((tab) => (
          <Base.Tab className="tab" key={tab.value} value={tab.value}>
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel className="tab-panel" key={tab.value} value={tab.value}>
          <Suspense fallback={<Skeleton />}>{tab.value === value ? tab.content() : null}</Suspense>
        </Base.Panel>
      ))}
    </Base.Root>
  )
}
