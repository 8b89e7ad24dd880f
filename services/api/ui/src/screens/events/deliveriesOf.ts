/** Which deliveries a filtered log shows: pure. */
import type { EventFilter } from '../../api/events'
import type { Lives } from '../../api/operations'
import type { DeliveryFilter } from '../../api/targets'

/** The filter of the deliveries whose events pass `filter`, logged before `to`; null where none can:
 * only what fired is delivered. Where they stand is chosen apart. */
export function deliveriesOf(
  filter: EventFilter,
  to: string,
  { active_for_s }: Pick<Lives, 'active_for_s'>,
  now: number,
): { filter: Omit<DeliveryFilter, 'state'>; to: string } | null {
  const { state, status, delivery, ...rest } = filter
  if (status && ![status].flat().includes('fired')) return null
  if (delivery && [delivery].flat().every((each) => each === 'none')) return null
  const meant = { ...rest } as Omit<DeliveryFilter, 'state'>
  const archived = new Date(now - active_for_s * 1000).toISOString()
  const [life, other] = [state ?? []].flat()
  if (life === 'active' && !other && !isBefore(archived, meant.from)) meant.from = archived
  const end = life === 'archived' && !other && isBefore(archived, to) ? archived : to
  delete meant.to
  return { filter: meant, to: end }
}

const isBefore = (instant: string, other: string | null | undefined): boolean =>
  Boolean(other) && Date.parse(instant) < Date.parse(other as string)
