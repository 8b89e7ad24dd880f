import { useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { newKey } from '../../api/client'
import { useLives } from '../../api/operations'
import { queries } from '../../api/queries'
import type { Definition } from '../../api/triggers'
import { create } from '../../api/writes'
import type { Changes } from '../../app/address'
import { Button, ButtonLink } from '../../parts/Button'
import { Refusal } from '../../parts/Refusal'
import { Empty } from '../../parts/States'
import { serverNow } from '../../time/clock'
import { setTo } from '../../time/relative'
import { type Filters, narrowing } from './filters'
import { words } from './text'

const AHEAD = 10_000

/** None yet: one press makes a trigger that is seen to fire within moments. */
export function FirstTrigger() {
  const [, go] = useLocation()
  const key = useRef(newKey())
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)

  async function make(): Promise<void> {
    setBusy(true)
    setError(null)
    const first = {
      name: words.first.name,
      type: 'scheduled',
      description: words.first.description,
      payload: words.first.payload,
      schedule_time: new Date(serverNow() + AHEAD).toISOString(),
    }
    try {
      const written = await create(first as Definition, key.current)
      void queries.invalidateQueries({ queryKey: ['/triggers/'] })
      go(`/triggers/${written.value.id}`)
    } catch (failure) {
      // The same key would be refused with another time: what was stored, if it was, has its own.
      key.current = newKey()
      setError(failure)
      setBusy(false)
    }
  }

  return (
    <Empty title={words.first.title}>
      <p>{words.first.lead}</p>
      <div className="triggers-ways">
        <Button kind="primary" isBusy={isBusy} onClick={make}>
          {words.first.button}
        </Button>
        <ButtonLink href="/triggers/new">{words.first.own}</ButtonLink>
      </div>
      {error ? <Refusal error={error} /> : null}
    </Empty>
  )
}

/** Some, but none passes the filters: they are named, and each can be taken away. */
export function NoMatch({
  filters,
  change,
}: {
  filters: Filters
  change: (changes: Changes) => void
}) {
  const on = narrowing(filters, setTo(useLives()?.active_for_s))
  return (
    <Empty title={words.noMatch.title}>
      <p>
        {words.noMatch.lead} {on.map((one) => one.value).join(', ')}.
      </p>
      <div className="triggers-ways">
        {on.length > 1
          ? on.map((one) => (
              <Button key={one.what} onClick={() => change(one.clear)}>
                {words.noMatch.clear(one.what)}
              </Button>
            ))
          : null}
        <Button
          kind="primary"
          onClick={() => change(Object.assign({}, ...on.map((one) => one.clear)))}
        >
          {words.noMatch.clearAll}
        </Button>
      </div>
    </Empty>
  )
}
