/** What a list of rows decides about how it is shown. */
import { useEffect, useState } from 'react'
import type { EventRow } from '../../api/events'
import { useTriggersById } from '../../api/triggers'
import { useRange } from '../../parts/useRange'
import { serverNow } from '../../time/clock'
import { useZone, useZoneMode } from '../../time/zone'
import { templateOf } from './columns'
import { signsOf } from './signs'

const AT_ONCE = 100
const FIRST = 40

/** The zones of the schedules in sight: asked for only where instants are shown in them, once the
 * scrolling rests, and kept. `''`: the trigger is gone, and its zone with it.
 */
export function useZones(rows: readonly EventRow[]) {
  const { mode } = useZoneMode()
  const isOn = mode === 'schedule'
  const [zones, setZones] = useState<ReadonlyMap<string, string>>(() => new Map())
  const [ids, setIds] = useState<readonly string[]>([])
  const { onRange, lookOnce } = useRange(FIRST, (first, last) => {
    const seen = new Set(rows.slice(first, last + 1).map((row) => row.trigger_id))
    const asked = [...seen].filter((id) => !zones.has(id)).slice(0, AT_ONCE)
    if (isOn && asked.length > 0) setIds(asked)
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: whichever changes, others may be missing
  useEffect(() => {
    // In a flood rows come without a rest.
    lookOnce()
  }, [rows, zones, isOn, lookOnce])

  const { data, isPlaceholderData } = useTriggersById(isOn ? ids : [])
  useEffect(() => {
    if (!data || isPlaceholderData) return
    const found = new Map(data.map((trigger) => [trigger.id, trigger.timezone ?? '']))
    setZones((before) => new Map([...before, ...ids.map((id) => [id, ''] as const), ...found]))
  }, [data, isPlaceholderData, ids])
  return { zones, onRange }
}

export function useTemplate(rows: readonly EventRow[]): string {
  const own = useZone()
  const { mode } = useZoneMode()
  const ends = [rows[0], rows.at(-1)].flatMap((row) => (row ? [Date.parse(row.logged_at)] : []))
  return templateOf(signsOf(ends, mode, own, serverNow()))
}
