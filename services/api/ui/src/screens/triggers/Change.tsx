import type { DryRun } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { Refusal } from '../../parts/Refusal'
import { Skeleton } from '../../parts/Skeleton'
import { Times } from '../../parts/Times'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import './Dialogs.css'
import { asking } from './dialogText'
import type { usePatch } from './usePatch'

const words = asking.pause

/** What a change would leave out and what stays, then the button that makes it. */
export function Change(props: {
  change: ReturnType<typeof usePatch>
  button: string
  none: string
}) {
  const { dry, apply, isBusy, error, editedTo } = props.change
  return (
    <>
      {editedTo === null ? null : (
        <p className="noted" role="alert">
          {asking.editedMeanwhile(editedTo)}
        </p>
      )}
      {dry.data ? (
        <LeftOutAndKept dry={dry.data} none={props.none} />
      ) : isInTrouble(dry) ? (
        <Trouble query={dry} />
      ) : (
        <Skeleton rows={5} height={24} />
      )}
      {error ? <Refusal error={error} lead="Nothing was changed" /> : null}
      <div>
        <Button
          kind="primary"
          isBusy={isBusy}
          disabled={!dry.data || dry.isFetching}
          onClick={apply}
        >
          <span className="clip">{props.button}</span>
        </Button>
      </div>
    </>
  )
}

function LeftOutAndKept({ dry, none }: { dry: DryRun; none: string }) {
  const { before, after } = dry.next_occurrences
  const kept = new Set(after.map((one) => one.scheduled_for))
  const leftOut = before.filter((one) => !kept.has(one.scheduled_for)).slice(0, 5)
  return (
    <div className="before-after">
      <section>
        <h3>
          {words.nevermore} {before.length}
        </h3>
        {leftOut.length > 0 ? (
          <Times list={leftOut} zone={dry.timezone} isGone />
        ) : (
          <p className="quiet">{none}</p>
        )}
      </section>
      <section>
        <h3>{words.still}</h3>
        {after.length > 0 ? (
          <Times list={after.slice(0, 5)} zone={dry.timezone} />
        ) : (
          <p className="quiet">{words.noneStill}</p>
        )}
      </section>
    </div>
  )
}
