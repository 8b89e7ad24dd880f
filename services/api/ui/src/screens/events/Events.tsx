import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { type EventRow, useEvents, useStats } from '../../api/events'
import { useLives } from '../../api/operations'
import { queries } from '../../api/queries'
import type { BulkVerb } from '../../api/targets'
import { useAddress } from '../../app/address'
import { Page } from '../../app/Shell'
import { useReturn } from '../../app/useReturn'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { useAlive } from '../../live/alive'
import { compareInstants, compareRows, merge } from '../../live/merge'
import { Button } from '../../parts/Button'
import { isWorkedByKeys } from '../../parts/heir'
import { lazily } from '../../parts/lazily'
import { NextPage, useNextPage } from '../../parts/NextPage'
import { Segments } from '../../parts/Segments'
import { Skeleton } from '../../parts/Skeleton'
import { focusFirstRow, Table } from '../../parts/Table'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { useLasting } from '../../parts/useLasting'
import { setTo } from '../../time/relative'
import { Chart } from './Chart'
import { columnsOf } from './columns'
import { DeliverMenu } from './DeliverMenu'
import { ExportMenu } from './ExportMenu'
import { Filters } from './Filters'
import { justAfter } from './feed'
import { LiveLine } from './LiveLine'
import { NoEvents } from './NoEvents'
import { useTemplate, useZones } from './shown'
import { words } from './text'
import { useFollow } from './useFollow'
import { useHeld } from './useHeld'
import { isByDelivery, toFilter, toSearch, type View, viewOf } from './view'
import './Events.css'

const EventDrawer = lazily(async () => ({ default: (await import('./EventDrawer')).EventDrawer }))
const DeliveriesMany = lazily(async () => ({
  default: (await import('./DeliveriesMany')).DeliveriesMany,
}))
const ReplayMany = lazily(async () => ({ default: (await import('./ReplayMany')).ReplayMany }))

const EVERY = 10_000
/** No stream tells what comes into the archive by its age. */
const EVERY_ARCHIVED = 30_000

/** The log: what became of every occurrence and fire, as it grows. */
export default function Events() {
  const { search, change } = useAddress()
  const view = useMemo(() => viewOf(search), [search])
  const filter = useMemo(() => toFilter(view), [view])
  const query = toSearch(filter).toString()
  const open = search.get('event')
  // Stays once it was there: it closes by itself.
  const wasOpen = useRef(false)
  if (open !== null) wasOpen.current = true
  const [isPaused, setPaused] = useState(false)
  const [isReplaying, setReplaying] = useState(false)
  const [verb, setVerb] = useState<BulkVerb | null>(null)
  const off = offOf(view)
  const isOn = off === null && !isPaused

  // Where the stream's rows do not reach down to the pages any more, pages go on after these.
  const [cut, setCut] = useState<{ query: string; to: string } | null>(null)
  const to = cut?.query === query ? cut.to : undefined
  const events = useEvents(to ? { ...filter, to } : filter)
  const isArchived = view.life === 'archived'
  const isReadAgain = isArchived || isByDelivery(view)
  const every = isArchived ? EVERY_ARCHIVED : EVERY
  const stats = useStats(filter, isOn || isReadAgain ? { every } : {})
  const first = useEvents(filter)

  const pages = useMemo(() => events.data?.pages.flatMap((page) => page.rows) ?? [], [events.data])
  const table = useRef<HTMLDivElement>(null)
  const held = useHeld(table, open !== null || isReplaying || verb !== null)
  const { refetch } = events
  useEffect(() => {
    if (!isReadAgain) return
    const timer = setInterval(() => {
      if (!document.hidden && !held.current()) void refetch({ cancelRefetch: false })
    }, every)
    return () => clearInterval(timer)
  }, [isReadAgain, every, refetch, held])
  const known = useMemo(() => new Set(pages.map((row) => row.id)), [pages])
  const has = useRef((_: string): boolean => false)
  has.current = (id) => known.has(id)
  const onReset = useCallback(() => {
    setCut(null)
    void queries.resetQueries({ queryKey: ['/events/'] })
  }, [])
  const position = first.isPlaceholderData ? null : (first.data?.pages[0]?.position ?? null)
  const { feed, state, rate, showAll } = useFollow({
    search: query,
    position,
    isOn,
    isHeld: held,
    has,
    onReset,
  })
  const oldest = feed.rows.at(-1)?.logged_at
  const isJoined =
    to !== undefined &&
    !events.isPlaceholderData &&
    oldest !== undefined &&
    compareInstants(oldest, to) < 0
  const isCut = feed.isCut && !isJoined
  const read = useMemo(
    () => (isCut ? feed.rows : merge(feed.rows, [...pages].sort(compareRows))),
    [feed.rows, pages, isCut],
  )
  const rows = useAlive(read, isArchived ? 'deletes_at' : 'archives_at')

  const { zones, onRange } = useZones(rows)
  const lives = useLives()
  const misfireAfter = lives?.misfire_grace_s
  const columns = useMemo(
    () => columnsOf((row) => zones.get(row.trigger_id) ?? null, misfireAfter),
    [zones, misfireAfter],
  )
  const template = useTemplate(rows)

  const page = useNextPage(events)
  const { next } = page
  const more = useCallback(() => {
    const last = feed.rows.at(-1)
    if (isCut && last) setCut({ query, to: justAfter(last.logged_at) })
    else next()
  }, [isCut, feed.rows, query, next])

  // Closed by Back, by Escape or by its button: one is where one was.
  const opened = useRef<string | null>(null)
  useEffect(() => {
    const before = opened.current
    opened.current = open
    if (open !== null || before === null) return
    const row = table.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(before)}"]`)
    requestAnimationFrame(() => row?.focus())
  }, [open])

  const isOld = useLasting(events.isPlaceholderData)
  // What is shown until the answer comes was told for another view: it being empty says nothing.
  const isKnown = events.data !== undefined && !events.isPlaceholderData
  useReturn(isKnown, search.toString())
  // The list is read once and the stream goes on: the chart notices that nobody answers.
  const asleep = isInTrouble(events) || stats.data === undefined ? events : stats

  const show = () => {
    scrollTo({ top: 0 })
    showAll()
    // The button goes: keys go on from what it showed.
    if (isWorkedByKeys()) focusFirstRow(table.current)
  }

  return (
    <Page
      title={words.title}
      actions={
        <>
          <Segments
            label={words.life}
            choices={[
              { value: 'active', label: words.active(setTo(lives?.active_for_s)) },
              {
                value: 'archived',
                label: words.archived(setTo(lives && lives.kept_for_s - lives.active_for_s)),
              },
            ]}
            value={view.life}
            onChange={(life) =>
              change({ life: life === 'active' ? null : life, from: null, to: null })
            }
          />
          <ZoneSwitch />
          <ExportMenu filter={filter} />
          <DeliverMenu onPick={setVerb} />
          <Button onClick={() => setReplaying(true)}>{words.replay.many}</Button>
        </>
      }
    >
      <Filters view={view} change={change} />
      <Chart stats={stats} view={view} change={change} isTold={isInTrouble(events)} />
      <div>
        <LiveLine
          off={off}
          isPaused={isPaused}
          state={state}
          rate={rate}
          fresh={feed.count}
          came={feed.count + feed.rows.length}
          onPause={setPaused}
          onShow={show}
          onNarrow={() => change({ status: ['missed', 'rejected'] })}
        />
        {view.q && first.data?.pages.some((page) => !page.isWholly) ? (
          <p className="log-partial">{words.partial}</p>
        ) : null}
        {page.refusal ? null : <Trouble query={asleep} />}
        <div
          ref={table}
          className={isOld ? 'is-stale' : undefined}
          aria-busy={events.isPlaceholderData}
        >
          {rows.length > 0 ? (
            <Table
              label={words.title}
              columns={columns}
              template={template}
              rows={rows}
              id={idOf}
              rowHeight={36}
              total={Math.max(stats.data?.total ?? 0, rows.length)}
              openId={open}
              onOpen={(row) => change({ event: row.id })}
              onEnd={more}
              onRange={onRange}
            />
          ) : isKnown ? (
            <NoEvents view={view} change={change} />
          ) : isInTrouble(events) ? null : (
            <Skeleton rows={12} height={36} />
          )}
          <NextPage {...page} />
        </div>
      </div>
      {wasOpen.current ? <EventDrawer id={open} rows={rows} change={change} /> : null}
      {verb === null ? null : (
        <DeliveriesMany verb={verb} filter={filter} view={view} onClose={() => setVerb(null)} />
      )}
      {isReplaying ? <ReplayMany filter={filter} onClose={() => setReplaying(false)} /> : null}
    </Page>
  )
}

const idOf = (row: EventRow): string => row.id

/** Where there is nothing to follow, and why. */
function offOf(view: View) {
  const { live } = words
  if (view.life === 'archived') return { title: live.archived, hint: live.archivedHint }
  if (isByDelivery(view)) return { title: live.byDelivery, hint: live.byDeliveryHint }
  return view.to ? { title: live.zoomed, hint: live.zoomedHint } : null
}
