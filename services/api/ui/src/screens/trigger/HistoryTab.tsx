import { useEffect, useRef, useState } from 'react'
import { useHistory } from '../../api/trigger'
import type { Trigger, Version } from '../../api/triggers'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { lastOf } from '../../parts/heir'
import { NextPage, useNextPage } from '../../parts/NextPage'
import { Skeleton } from '../../parts/Skeleton'
import { Again } from './Again'
import { Away } from './Away'
import { Restore } from './Restore'
import { words } from './text'
import { VersionItem } from './VersionItem'

/** Every version: who, when, what changed, and the way back to it. */
export function HistoryTab({ id, current }: { id: string; current: Trigger | null }) {
  const { search, change } = useAddress()
  const history = useHistory(id)
  const [restoring, setRestoring] = useState<Version | null>(null)
  const list = useRef<HTMLOListElement>(null)
  const wanted = Number(search.get('version')) || null
  const versions = history.data?.pages.flatMap((page) => page.rows) ?? []
  const isFound = wanted === null || versions.some(({ version }) => version === wanted)
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = history
  const page = useNextPage(history)
  const { next } = page

  // A link leads to a version of a later page: read on until it is there.
  useEffect(() => {
    if (!isFound) next()
  }, [isFound, next])

  if (!history.data) {
    return (
      <Away query={history}>
        <Skeleton rows={5} />
      </Away>
    )
  }
  return (
    <div className="history">
      {!isFound && !hasNextPage && wanted !== null ? (
        <p role="status">{words.history.notKept(wanted)}</p>
      ) : null}
      <ol className="versions" ref={list}>
        {versions.map((version, index) => (
          <VersionItem
            key={`${version.version} ${version.kind}`}
            version={version}
            before={versions[index + 1] ?? null}
            isFirst={index === versions.length - 1 && !hasNextPage}
            isCurrent={version.version === current?.version}
            isDeleted={current === null}
            isOpen={version.version === wanted}
            onToggle={(open) => change({ version: open ? String(version.version) : null }, true)}
            onRestore={() => setRestoring(version)}
          />
        ))}
      </ol>
      <NextPage {...page} />
      {hasNextPage && !page.refusal ? (
        <Button
          onClick={() => void fetchNextPage()}
          isBusy={isFetchingNextPage}
          heir={() => lastOf(list.current)}
        >
          {words.history.older}
        </Button>
      ) : null}
      {current ? (
        <Restore id={id} version={restoring} onClose={() => setRestoring(null)} />
      ) : (
        <Again id={id} version={restoring} onClose={() => setRestoring(null)} />
      )}
    </div>
  )
}
