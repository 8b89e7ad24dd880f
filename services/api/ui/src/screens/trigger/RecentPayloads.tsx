import { Picker } from '../../parts/Picker'
import { serverNow } from '../../time/clock'
import { instant } from '../../time/format'
import { useZone } from '../../time/zone'
import { words } from './text'
import { usePayloads } from './usePayloads'

const SHOWN = 48

/** What recent events carried, to take as it is or to change. */
export function RecentPayloads({ id, onPick }: { id: string; onPick: (payload: unknown) => void }) {
  const payloads = usePayloads(id)
  const zone = useZone()
  const events = payloads.data ?? []
  if (events.length === 0) return null
  return (
    <Picker
      label={words.test.recent}
      choices={[
        { value: '', label: words.test.pick },
        ...events.map((event) => ({
          value: event.id,
          label: `${instant(Date.parse(event.logged_at), zone, serverNow())} ${short(event.payload)}`,
        })),
      ]}
      value=""
      onChange={(chosen: string) => {
        const event = events.find(({ id }) => id === chosen)
        if (event) onPick(event.payload)
      }}
    />
  )
}

function short(payload: unknown): string {
  const text = JSON.stringify(payload)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}
