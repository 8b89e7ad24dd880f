import { useEffect } from 'react'
import { Link } from 'wouter'
import { type EventRow, useEvent } from '../../api/events'
import type { Changes } from '../../app/address'
import { Button } from '../../parts/Button'
import { Drawer } from '../../parts/Dialog'
import { EventBody } from './EventBody'
import { words } from './text'

interface Props {
  id: string | null
  /** The rows it stands among: `j` and `k` step through them. */
  rows: readonly EventRow[]
  change: (changes: Changes, isTyping?: boolean) => void
}

/** One event beside the log, at an address of its own. */
export function EventDrawer({ id, rows, change }: Props) {
  const event = useEvent(id)
  const at = rows.findIndex((row) => row.id === id)
  const newer = at > 0 ? rows[at - 1]?.id : undefined
  const older = at >= 0 ? rows[at + 1]?.id : undefined

  useEffect(() => {
    if (id === null) return
    const step = (pressed: KeyboardEvent) => {
      const target = pressed.target as Element
      if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return
      // In the table the same keys move its focus.
      if (target.closest('input, textarea, [role=menu], [role=table], [role=listbox]')) return
      const to = { j: older, k: newer }[pressed.key]
      if (!to) return
      pressed.preventDefault()
      change({ event: to }, true)
    }
    document.addEventListener('keydown', step)
    return () => document.removeEventListener('keydown', step)
  }, [id, newer, older, change])

  const name = event.data?.trigger_name ?? rows[at]?.trigger_name
  return (
    <Drawer
      isOpen={id !== null}
      onClose={() => change({ event: null })}
      title={name ?? words.event.title}
    >
      <p className="event-ways">
        <Button disabled={!newer} onClick={() => newer && change({ event: newer }, true)}>
          {words.event.previous}
        </Button>
        <Button disabled={!older} onClick={() => older && change({ event: older }, true)}>
          {words.event.next}
        </Button>
        {id === null ? null : <Link href={`/events/${id}`}>{words.event.permalink}</Link>}
      </p>
      <EventBody
        id={id ?? ''}
        event={event}
        to={hereWith}
        onReplayed={(made) => change({ event: made })}
      />
    </Drawer>
  )
}

function hereWith(id: string): string {
  const search = new URLSearchParams(location.search)
  search.set('event', id)
  return `/events?${search}`
}
