import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { asApiError } from '../../api/problem'
import { MASK } from '../../api/targetFields'
import { readTarget, readTargetHistory } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Segments } from '../../parts/Segments'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { Instant, Relative } from '../../time/Instant'
import { Compare } from '../edit/Compare'
import type { Fields } from '../edit/draft'
import { conflicts, resolved } from '../edit/rows'
import { words as edit } from '../edit/text'
import { draftOf, fieldsOf } from './draft'
import { TARGET_ROWS } from './rows'
import type { Opened } from './save'

interface Props {
  opened: Opened
  mine: Fields
  onClose: () => void
  onResolved: (theirs: Opened, fields: Fields) => void
  onGone: (error: unknown) => void
}

const said = edit.conflict
const SIDES = [
  { value: 'theirs', label: said.theirs },
  { value: 'mine', label: said.mine },
] as const

/** Somebody was faster: what was opened, what is there now, and what was typed, by field. */
export function Conflict({ opened, mine, onClose, onResolved, onGone }: Props) {
  const [picked, setPicked] = useState<Record<string, 'theirs' | 'mine'>>({})
  const query = useQuery({
    queryKey: ['/targets', opened.id, 'conflict', opened.version],
    queryFn: async ({ signal }) => {
      const [target, history] = await Promise.all([
        readTarget(opened.id, signal),
        readTargetHistory(opened.id, { limit: 1 }, signal),
      ])
      return { target, version: history.rows[0] ?? null, fields: fieldsOf(draftOf(target)) }
    },
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
  })
  const isGone = query.isError && asApiError(query.error).status === 404

  // biome-ignore lint/correctness/useExhaustiveDependencies: told once, by the refusal itself
  useEffect(() => {
    if (isGone) onGone(query.error)
  }, [isGone])

  const theirs = query.data
  const found = theirs ? conflicts(opened.fields, theirs.fields, mine, TARGET_ROWS) : []
  const sideOf = (row: string): 'theirs' | 'mine' => {
    const by = found.find((each) => each.row.key === row)?.by
    return picked[row] ?? (by === 'theirs' ? 'theirs' : 'mine')
  }

  function go(): void {
    if (!theirs) return
    const chosen = new Set(found.map(({ row }) => row.key).filter((row) => sideOf(row) === 'mine'))
    onResolved(
      { id: opened.id, version: theirs.target.version, fields: theirs.fields },
      resolved(theirs.fields, mine, chosen, TARGET_ROWS),
    )
  }

  return (
    <Dialog
      isOpen
      isWide
      onClose={onClose}
      title={said.title}
      actions={
        <>
          <Button onClick={onClose}>{edit.save.back}</Button>
          <Button kind="primary" disabled={!theirs} onClick={go}>
            {said.take}
          </Button>
        </>
      }
    >
      {theirs ? (
        <>
          <p>{said.about(theirs.version?.actor ?? '?')}</p>
          {found.every(({ by }) => by !== 'both') ? <p>{said.same}</p> : null}
          <Compare
            rows={TARGET_ROWS}
            sides={[
              { title: said.base, fields: opened.fields },
              {
                title: said.theirs,
                fields: theirs.fields,
                aside: theirs.version ? (
                  <>
                    {theirs.version.actor} · <Instant at={theirs.version.at} /> (
                    <Relative at={theirs.version.at} />)
                  </>
                ) : null,
              },
              { title: said.mine, fields: concealed(mine) },
            ]}
            choice={{
              title: said.choose,
              of: (row) =>
                found.some((each) => each.row.key === row) ? (
                  <Segments
                    label={`${said.choose}: ${row}`}
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

/** What was typed as a secret is not shown beside the others; that it is another one is. */
function concealed(fields: Fields): Fields {
  const own = fields.secret_headers as Record<string, string> | undefined
  if (!own) return fields
  const hidden = Object.entries(own).map(([name, value]) => [name, value === MASK ? MASK : '•••'])
  return { ...fields, secret_headers: Object.fromEntries(hidden) }
}
