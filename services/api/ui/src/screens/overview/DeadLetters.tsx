import { useRef, useState } from 'react'
import { type DeadLetter, redrive, useDeadLetters } from '../../api/operations'
import { asApiError } from '../../api/problem'
import { Button } from '../../parts/Button'
import { lastOf } from '../../parts/heir'
import { Skeleton } from '../../parts/Skeleton'
import { tell } from '../../parts/Toast'
import { Instant } from '../../time/Instant'
import { words } from './text'
import { WhenRead } from './WhenRead'

/** What could not be handled, why, and the way to have it tried again. */
export function DeadLetters() {
  const letters = useDeadLetters()
  return (
    <WhenRead of={letters} skeleton={<Skeleton rows={2} height={42} />}>
      {({ pages }) => <List letters={letters} rows={pages.flatMap((each) => each.rows)} />}
    </WhenRead>
  )
}

interface ListProps {
  letters: ReturnType<typeof useDeadLetters>
  rows: readonly DeadLetter[]
}

function List({ letters, rows }: ListProps) {
  const list = useRef<HTMLUListElement>(null)
  if (rows.length === 0) return <p className="quiet">{words.letters.none}</p>
  return (
    <>
      <ul className="letters" ref={list}>
        {rows.map((letter) => (
          <Letter key={letter.id} letter={letter} onDone={() => void letters.refetch()} />
        ))}
      </ul>
      {letters.hasNextPage ? (
        <div>
          <Button
            onClick={() => void letters.fetchNextPage()}
            isBusy={letters.isFetchingNextPage}
            heir={() => lastOf(list.current)}
          >
            {words.letters.older}
          </Button>
        </div>
      ) : null}
    </>
  )
}

function Letter({ letter, onDone }: { letter: DeadLetter; onDone: () => void }) {
  const [isBusy, setBusy] = useState(false)
  const own = useRef<HTMLLIElement>(null)

  async function again(): Promise<void> {
    setBusy(true)
    try {
      const { status } = await redrive(letter.id)
      tell(words.letters.became[status], letter.original.subject)
    } catch (failure) {
      tell(words.letters.refused, asApiError(failure).detail)
    } finally {
      setBusy(false)
      onDone()
    }
  }

  /** What was handled leaves the list. */
  function beside(): Element | null | undefined {
    const { nextElementSibling, previousElementSibling } = own.current ?? {}
    return (nextElementSibling ?? previousElementSibling)?.querySelector('summary')
  }

  const { original } = words.letters
  return (
    <li className="letter" ref={own}>
      <div className="letter-words">
        <p>{letter.reason}</p>
        <p className="quiet">
          <Instant at={letter.dead_at} precise /> · {letter.service} ·{' '}
          <code>{letter.original.subject}</code>
          {letter.redrives > 0 ? ` · ${words.letters.tried(letter.redrives)}` : ''}
        </p>
        <details>
          <summary>{original}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
          <pre className="letter-body" role="region" tabIndex={0} aria-label={original}>
            {letter.original.body}
          </pre>
        </details>
      </div>
      <Button
        onClick={again}
        isBusy={isBusy}
        heir={beside}
        disabled={!letter.original.is_whole}
        title={letter.original.is_whole ? undefined : words.letters.cut}
        aria-label={words.letters.redriveOf(letter.original.subject)}
      >
        {words.letters.redrive}
      </Button>
    </li>
  )
}
