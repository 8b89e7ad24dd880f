/** What the log's address says, and what is asked for it: pure. */
import type { EventFilter } from '../../api/events'
import { oneOf, someOf } from '../../app/address'

export const LIVES = ['active', 'archived'] as const
export const STATUSES = ['fired', 'missed', 'rejected'] as const
export const SOURCES = ['schedule', 'api', 'nats', 'test', 'replay'] as const
export const DELIVERIES = ['pending', 'delivered', 'dead', 'blocked', 'none'] as const
export const TESTS = ['any', 'without', 'only'] as const
/** What may narrow the log, and can be cleared at once. */
export const FILTERS = [
  'status',
  'source',
  'trigger',
  'test',
  'late',
  'delivery',
  'target',
  'q',
  'from',
  'to',
  'replay_of',
] as const

export interface View {
  life: (typeof LIVES)[number]
  status: (typeof STATUSES)[number][]
  source: (typeof SOURCES)[number][]
  trigger: string[]
  test: (typeof TESTS)[number]
  /** Seconds late at least; null: any. */
  late: number | null
  delivery: (typeof DELIVERIES)[number][]
  /** Ids of targets: events with a delivery to one of them. */
  target: string[]
  q: string
  from: string | null
  to: string | null
  replayOf: string | null
}

export function viewOf(search: URLSearchParams): View {
  const late = Number(search.get('late') ?? Number.NaN)
  return {
    life: oneOf(search.get('life'), LIVES),
    status: someOf(search.get('status'), STATUSES),
    source: someOf(search.get('source'), SOURCES),
    trigger: idsOf(search.get('trigger')),
    test: oneOf(search.get('test'), TESTS),
    late: late > 0 && Number.isFinite(late) ? late : null,
    delivery: someOf(search.get('delivery'), DELIVERIES),
    target: idsOf(search.get('target')),
    q: search.get('q') ?? '',
    from: instantOf(search.get('from')),
    to: instantOf(search.get('to')),
    replayOf: search.get('replay_of') || null,
  }
}

const idsOf = (value: string | null): string[] => (value ?? '').split(',').filter(Boolean)

/** Whether it is narrowed by what becomes of events after they are logged: no stream tells that. */
export const isByDelivery = ({ delivery, target }: View): boolean =>
  delivery.length + target.length > 0

/** An address is written by people, too: what is no instant is not asked for. */
function instantOf(value: string | null): string | null {
  return value && !Number.isNaN(Date.parse(value)) ? value : null
}

export function isNarrowed(view: View): boolean {
  return Object.keys(toFilter(view)).some((name) => name !== 'state')
}

/** By how many seconds late one may narrow it: noticeably, a misfire, badly, and as the address says. */
export function latesOf(misfire: number | undefined, given: number | null): number[] {
  const all = [1, misfire, 300, given].filter((each) => each !== undefined && each !== null)
  return [...new Set(all)].sort((a, b) => a - b)
}

/** The query of `GET /events/`, its chart, its export and its stream. */
export function toFilter(view: View): EventFilter {
  const filter: EventFilter = { state: [view.life] }
  if (view.status.length > 0) filter.status = view.status
  if (view.source.length > 0) filter.source = view.source
  if (view.trigger.length > 0) filter.trigger_id = view.trigger
  if (view.test !== 'any') filter.is_test = view.test === 'only'
  if (view.late !== null) filter.min_lateness = view.late
  if (view.delivery.length > 0) filter.delivery = view.delivery
  if (view.target.length > 0) filter.target_id = view.target
  if (view.q.trim()) filter.q = view.q
  if (view.from) filter.from = view.from
  if (view.to) filter.to = view.to
  if (view.replayOf) filter.replay_of = view.replayOf
  return filter
}

/** The same as the query of an address: lists by repetition. */
export function toSearch(filter: object): URLSearchParams {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(filter)) {
    for (const each of Array.isArray(value) ? value : [value]) search.append(name, String(each))
  }
  return search
}
