import { useMemo, useState } from 'react'
import { type EventRow, useEvents } from '../../api/events'
import { useLives } from '../../api/operations'
import { askAgain } from '../../api/queries'
import { useHistory } from '../../api/trigger'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { lastOf } from '../../parts/heir'
import { Skeleton } from '../../parts/Skeleton'
import { Empty, Stale } from '../../parts/States'
import { setTo } from '../../time/relative'
import { Away } from './Away'
import { useDeadLettersOf } from './deadLetters'
import { KindFilter } from './KindFilter'
import { StoryRow } from './StoryRow'
import { eventFilter, KINDS, type Kind, story } from './story'
import { words } from './text'
import { useHeld } from './useHeld'

const STEP = 100

interface Props {
  id: string
  zone: string
  arrived: readonly EventRow[]
}

/** "Why did it not fire?": everything that happened to the trigger, in one order. */
export function LogTab({ id, zone, arrived }: Props) {
  const { search, change } = useAddress()
  const given = search.get('kind')
  const kinds = useMemo(() => chosen(given), [given])
  const filter = eventFilter(id, kinds)
  const events = useEvents(filter ?? { trigger_id: [id] }, { enabled: filter !== null })
  const history = useHistory(id)
  const letters = useDeadLettersOf(id)
  const [shown, setShown] = useState(STEP)
  const kept = setTo(useLives()?.kept_for_s)

  const rows = filter ? (events.data?.pages.flatMap((page) => page.rows) ?? []) : []
  const versions = history.data?.pages.flatMap((page) => page.rows) ?? []
  const hasMore = filter !== null && events.hasNextPage
  const all = story(rows, hasMore, versions, letters.data ?? [], kinds)
  const held = useHeld(all)
  const fresh = new Set(arrived.map((row) => row.id))
  // Until the answer comes those of the kinds before are shown: none of them says nothing.
  const isWaiting =
    filter !== null && (!events.data || (events.isPlaceholderData && all.length === 0))
  const isLoading = isWaiting || !history.data
  const waiting = isWaiting ? events : history
  const failed = [events, history, letters].find((query) => query.failureReason)

  function older(): void {
    setShown(shown + STEP)
    if (all.length < shown + STEP && hasMore) void events.fetchNextPage()
    if (history.hasNextPage) void history.fetchNextPage()
  }

  return (
    <div className="story-tab">
      <div className="story-head">
        <KindFilter
          kinds={kinds}
          onChange={(next) => {
            setShown(STEP)
            change({ kind: next.length === KINDS.length ? null : next })
          }}
        />
        {held.waiting > 0 ? (
          <Button {...held.button}>{words.log.fresh(held.waiting)}</Button>
        ) : null}
      </div>
      {isLoading ? (
        <Away query={waiting}>
          <Skeleton rows={10} />
        </Away>
      ) : (
        <>
          {failed ? (
            <Stale
              error={failed.failureReason}
              since={failed.dataUpdatedAt}
              failures={failed.failureCount}
              onRetry={askAgain}
            />
          ) : null}
          {all.length === 0 ? (
            <Empty title={kinds.length < KINDS.length ? words.log.noMatch : words.log.none(kept)}>
              {kinds.length < KINDS.length ? (
                <Button
                  onClick={() => change({ kind: null })}
                  heir={() => document.querySelector('.kinds input')}
                >
                  {words.log.all}
                </Button>
              ) : null}
            </Empty>
          ) : (
            <ol className="story" aria-label={words.log.label} {...held.list}>
              {held.shown.slice(0, shown).map((entry) => (
                <StoryRow
                  key={entry.key}
                  id={id}
                  entry={entry}
                  zone={zone}
                  isFresh={fresh.has(entry.key)}
                />
              ))}
            </ol>
          )}
          {all.length > shown || hasMore || (kinds.includes('edit') && history.hasNextPage) ? (
            <Button
              onClick={older}
              isBusy={events.isFetchingNextPage}
              heir={() => lastOf(held.list.ref.current)}
            >
              {words.log.older}
            </Button>
          ) : null}
        </>
      )}
    </div>
  )
}

/** None in the address: all of them. */
function chosen(given: string | null): Kind[] {
  const named = new Set((given ?? '').split(','))
  const found = KINDS.filter((kind) => named.has(kind))
  return found.length > 0 ? found : [...KINDS]
}
