import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { EXACT } from '../../api/exact'
import { asApiError } from '../../api/problem'
import { readTrigger } from '../../api/trigger'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Segments } from '../../parts/Segments'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { Instant, Relative } from '../../time/Instant'
import type { Opened } from './ahead'
import { Compare } from './Compare'
import { draftOf, type Fields, fieldsOf } from './draft'
import { lastVersion } from './opened'
import { conflicts, resolved } from './rows'
import { words } from './text'

interface Props {
  opened: Opened
  mine: Fields
  onClose: () => void
  onResolved: (theirs: Opened, fields: Fields) => void
  onGone: (error: unknown) => void
}

const SIDES = [
  { value: 'theirs', label: words.conflict.theirs },
  { value: 'mine', label: words.conflict.mine },
] as const

/** Somebody was faster: what was opened, what is there now, and what was typed, by field. */
export function Conflict({ opened, mine, onClose, onResolved, onGone }: Props) {
  const [picked, setPicked] = useState<Record<string, 'theirs' | 'mine'>>({})
  const query = useQuery({
    queryKey: ['/triggers', opened.id, 'conflict', opened.version],
    queryFn: async ({ signal }) => {
      const [trigger, version] = await Promise.all([
        readTrigger(opened.id, signal),
        lastVersion(opened.id, signal),
      ])
      return { trigger, version, fields: fieldsOf(draftOf(trigger)) }
    },
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
    ...EXACT,
  })
  const isGone = query.isError && asApiError(query.error).status === 404

  // biome-ignore lint/correctness/useExhaustiveDependencies: told once, by the refusal itself
  useEffect(() => {
    if (isGone) onGone(query.error)
  }, [isGone])

  const theirs = query.data
  const found = theirs ? conflicts(opened.fields, theirs.fields, mine) : []
  const sideOf = (row: string): 'theirs' | 'mine' => {
    const by = found.find((each) => each.row.key === row)?.by
    return picked[row] ?? (by === 'theirs' ? 'theirs' : 'mine')
  }

  function go(): void {
    if (!theirs) return
    const { trigger, fields } = theirs
    const chosen = new Set(found.map(({ row }) => row.key).filter((row) => sideOf(row) === 'mine'))
    onResolved(
      { id: opened.id, version: trigger.version, words: trigger.in_words, fields },
      resolved(fields, mine, chosen),
    )
  }

  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={words.conflict.title}
      actions={
        <>
          <Button onClick={onClose}>{words.save.back}</Button>
          <Button kind="primary" disabled={!theirs} onClick={go}>
            {words.conflict.go}
          </Button>
        </>
      }
    >
      {theirs ? (
        <>
          <p>{words.conflict.about(theirs.version?.actor ?? '?')}</p>
          {found.every(({ by }) => by !== 'both') ? <p>{words.conflict.same}</p> : null}
          <Compare
            sides={[
              { title: words.conflict.base, fields: opened.fields },
              {
                title: words.conflict.theirs,
                fields: theirs.fields,
                aside: theirs.version ? (
                  <>
                    {theirs.version.actor} · <Instant at={theirs.version.at} /> (
                    <Relative at={theirs.version.at} />)
                  </>
                ) : null,
              },
              { title: words.conflict.mine, fields: mine },
            ]}
            choice={{
              title: words.conflict.choose,
              of: (row) =>
                found.some((each) => each.row.key === row) ? (
                  <Segments
                    label={`${words.conflict.choose}: ${row}`}
                    choices={SIDES}
                    value={sideOf(row)}
                    onChange={(side) => setPicked({ ...picked, [row]: side })}
                  />
                ) : null,
            }}
          />
        </>
      ) : isInTrouble(query) && !isGone ? (
        <Trouble query={query} />
      ) : (
        <Skeleton rows={6} height={32} />
      )}
    </Dialog>
  )
}
