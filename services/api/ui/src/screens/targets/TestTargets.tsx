import { useState } from 'react'
import { Segments } from '../../parts/Segments'
import { TargetPicker } from './TargetPicker'
import './TestTargets.css'
import { words } from './text'

type Mode = 'own' | 'others' | 'none'

export interface TestDelivery {
  mode: Mode
  others: readonly string[]
}

/** As many as a test may name. */
const MOST = 8
const said = words.test

/** Where a test is delivered: to the trigger's own targets, if it has any, unless something else is
 * chosen. */
export function useTestDelivery(own: readonly string[]) {
  const [chosen, choose] = useState<TestDelivery | null>(null)
  const delivery = chosen ?? { mode: own.length > 0 ? 'own' : 'none', others: [] }
  return { delivery, choose, ids: idsOf(delivery, own) }
}

function idsOf({ mode, others }: TestDelivery, own: readonly string[]): readonly string[] {
  if (mode === 'own') return own
  return mode === 'others' ? others : []
}

interface Props {
  own: readonly string[]
  delivery: TestDelivery
  onChange: (delivery: TestDelivery) => void
}

export function TestTargets({ own, delivery, onChange }: Props) {
  const { mode, others } = delivery
  const modes: readonly Mode[] = own.length > 0 ? ['own', 'others', 'none'] : ['others', 'none']
  return (
    <div className="test-targets" role="group" aria-label={said.label}>
      <span aria-hidden="true">{said.label}</span>
      <Segments
        label={said.label}
        choices={modes.map((value) => ({
          value,
          label: value === 'own' ? said.own(own.length) : said[value],
        }))}
        value={mode}
        onChange={(picked) => onChange({ mode: picked, others })}
      />
      {mode === 'others' ? (
        <TargetPicker
          label={said.label}
          none={words.picker.choose}
          ids={others}
          most={MOST}
          onChange={(ids) => onChange({ mode, others: ids })}
        />
      ) : null}
    </div>
  )
}
