/** What a list of rows decides about how it is shown. */
import { useMemo } from 'react'
import type { EventRow } from '../../api/events'
import { useTriggersById } from '../../api/triggers'
import { serverNow } from '../../time/clock'
import { instant } from '../../time/format'
import { span } from '../../time/relative'
import { useZone, useZoneMode } from '../../time/zone'
import { templateOf } from './columns'

/** The zones of the schedules in sight: asked for only where instants are shown in them. */
export function useZones(rows: readonly EventRow[]): Map<string, string> {
  const { mode } = useZoneMode()
  const ids = mode === 'schedule' ? rows.map((row) => row.trigger_id) : []
  const { data } = useTriggersById(ids)
  return useMemo(
    () => new Map(data?.map((trigger) => [trigger.id, trigger.timezone ?? ''])),
    [data],
  )
}

export function useTemplate(rows: readonly EventRow[], zones: Map<string, string>): string {
  const now = serverNow()
  const own = useZone()
  const { mode } = useZoneMode()
  const ends = [rows[0], rows.at(-1)].flatMap((row) => (row ? [row] : []))
  const signs = ends.map((row) => {
    const zone = mode === 'schedule' ? zones.get(row.trigger_id) || own : own
    return instant(Date.parse(row.logged_at), zone, now, true).length
  })
  return templateOf(Math.max(0, ...signs))
}

/** How long rows are active and archived on this platform: as the rows themselves say it. */
export function livesOf([row]: readonly EventRow[]): {
  active: string | null
  archived: string | null
} {
  if (!row) return { active: null, archived: null }
  const between = (from: string, to: string): string => {
    const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000)
    return seconds % 3600 === 0 ? `${seconds / 3600} h` : span(seconds)
  }
  return {
    active: between(row.logged_at, row.archives_at),
    archived: between(row.archives_at, row.deletes_at),
  }
}
