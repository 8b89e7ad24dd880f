import { useOverview } from '../../api/operations'
import type { Changes } from '../../app/address'
import { Figure } from '../../parts/Figure'
import { setTo } from '../../time/relative'
import './Counters.css'
import type { Attention, Filters } from './filters'
import { words } from './text'

interface Props {
  filters: Filters
  change: (changes: Changes) => void
}

/** How much there is and what needs attention; each figure is a filter to press. */
export function Counters({ filters, change }: Props) {
  const { data } = useOverview()
  const active = setTo(data?.lives.active_for_s)
  const isDue = filters.due === '1h'
  const isActive = filters.status === 'active'
  const toggle = (one: Attention) => {
    const { attention } = filters
    const rest = attention.filter((each) => each !== one)
    change({ attention: attention.includes(one) ? rest : [...rest, one] })
  }
  return (
    <fieldset className="counters">
      <legend className="unseen">{words.counters.label}</legend>
      <Counter
        figure={data?.triggers.active}
        word={words.counters.active}
        isOn={isActive}
        onPress={() => change({ status: isActive ? null : 'active' })}
      />
      <Counter
        figure={data?.triggers.due_within_1h}
        word={words.counters.due}
        isOn={isDue}
        onPress={() => change({ due: isDue ? null : '1h' })}
      />
      {(['late', 'missed', 'rejected'] as const).map((one) => (
        <Counter
          key={one}
          figure={data?.attention[one]}
          word={words.attention(one, active)}
          isOn={filters.attention.includes(one)}
          result={one}
          onPress={() => toggle(one)}
        />
      ))}
    </fieldset>
  )
}

interface CounterProps {
  figure: number | undefined
  word: string
  isOn: boolean
  result?: Attention
  onPress: () => void
}

function Counter({ figure, word, isOn, result, onPress }: CounterProps) {
  return (
    <button type="button" className="counter" aria-pressed={isOn} onClick={onPress}>
      <Figure value={figure} word={word} result={result} />
    </button>
  )
}
