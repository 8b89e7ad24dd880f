import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { newKey, type Schemas } from '../../api/client'
import { asApiError } from '../../api/problem'
import { queries } from '../../api/queries'
import {
  type BulkVerb,
  countDeliveries,
  type DeliveryFilter,
  forDeliveries,
} from '../../api/targets'
import { Button } from '../../parts/Button'
import { Dialog } from '../../parts/Dialog'
import { Refusal } from '../../parts/Refusal'
import { tell } from '../../parts/Toast'
import { type Asked, isInTrouble, Trouble } from '../../parts/Trouble'
import { Instant } from '../../time/Instant'
import '../../parts/Field.css'
import './Bulk.css'
import { words } from './text'

type State = Schemas['DeliveryState']

/** In this order they are offered. */
const STATES = ['dead', 'blocked', 'pending', 'delivered'] as const

interface Props {
  verb: BulkVerb
  title: string
  /** Which deliveries, but for their states; null where none can pass. It ends at `to`. */
  filter: Omit<DeliveryFilter, 'state'> | null
  /** Logged before: what is counted is what is done, and what comes in meanwhile is not meant. */
  to: string
  /** What is delivered again, unless something else is chosen. */
  states?: readonly State[]
  /** By what else they are chosen, in words. */
  about?: ReactNode
  onDone: () => void
  onClose: () => void
}

/** Counts the deliveries that are meant, and only then does it to all of them. */
export function Bulk(props: Props) {
  const { verb, title, filter, to, about, onDone, onClose } = props
  const said = words.verbs[verb]
  const isCancel = verb === 'cancel'
  const [chosen, choose] = useState<readonly State[]>(props.states ?? ['dead', 'blocked'])
  const [key, setKey] = useState(newKey)
  const states: readonly State[] = isCancel ? ['pending'] : chosen
  const meant = filter && states.length > 0 ? { ...filter, state: [...states], to } : null
  const counted = useQuery({
    queryKey: ['/deliveries', verb, meant],
    queryFn: () => countDeliveries(verb, meant ?? {}),
    enabled: meant !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  const run = useMutation({
    mutationFn: () => forDeliveries(verb, meant ?? {}, key),
    onSuccess: ({ accepted, refused }) => {
      onDone()
      void queries.invalidateQueries({ queryKey: ['/events'] })
      // What was left out is told before one goes.
      if (Object.keys(refused).length > 0) return
      tell(said.done(accepted))
      onClose()
    },
  })
  const done = run.data
  const count = meant === null ? 0 : (counted.data?.count ?? 0)
  const isUnknown = meant !== null && counted.data === undefined
  const isFailing = isUnknown && isInTrouble(counted)
  const sentence = (): string => {
    if (states.length === 0) return words.noState
    if (isUnknown) return words.counting
    return count === 0 ? said.none : words.count(count)
  }
  const toggle = (state: State) => {
    // Another wish than the one that may have been refused.
    setKey(newKey())
    run.reset()
    choose(STATES.filter((each) => (each === state) !== chosen.includes(each)))
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      actions={
        <>
          <Button onClick={onClose}>{words.close}</Button>
          {done ? null : (
            <Button
              kind={isCancel ? 'danger' : 'primary'}
              disabled={count === 0}
              isBusy={run.isPending}
              onClick={() => run.mutate()}
            >
              {said.button(count)}
            </Button>
          )}
        </>
      }
    >
      {done ? null : <p>{said.told}</p>}
      {about}
      {isCancel || done ? null : (
        <fieldset className="bulk-states" disabled={run.isPending}>
          <legend>{words.which}</legend>
          {STATES.map((state) => (
            <label key={state} className="check">
              <input
                type="checkbox"
                checked={chosen.includes(state)}
                onChange={() => toggle(state)}
              />
              {words.states[state]}
            </label>
          ))}
        </fieldset>
      )}
      <div className="bulk-count" role="status">
        {done ? (
          <Done verb={verb} accepted={done.accepted} refused={done.refused} />
        ) : isFailing ? null : (
          <p className="bulk-sum">{sentence()}</p>
        )}
      </div>
      {isFailing ? <Uncounted query={counted} /> : null}
      {run.isError ? <Refusal error={run.error} lead={words.failed} /> : null}
      {done ? null : (
        <p className="quiet">
          {words.upTo} <Instant at={to} precise />. {words.upToHint}
        </p>
      )}
    </Dialog>
  )
}

/** Asked again while nobody answers; what was refused, such as too many of them, says so. */
function Uncounted({ query }: { query: Asked }) {
  const error = query.failureReason ?? query.error
  if (asApiError(error).isAway) return <Trouble query={query} />
  return <Refusal error={error} lead={words.uncounted} />
}

interface DoneProps {
  verb: BulkVerb
  accepted: number
  refused: Readonly<Record<string, number>>
}

/** How many, and how many not, by the code that says why. */
function Done({ verb, accepted, refused }: DoneProps) {
  return (
    <>
      <p className="bulk-sum">{words.verbs[verb].done(accepted)}</p>
      <ul>
        {Object.entries(refused).map(([code, value]) => (
          <li key={code}>
            {words.refused(value)}: {words.reasons[code] ?? code}{' '}
            <code className="quiet">{code}</code>
          </li>
        ))}
      </ul>
    </>
  )
}
