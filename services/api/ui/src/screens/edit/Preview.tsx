import { BeforeAfter } from '../../parts/BeforeAfter'
import { Button } from '../../parts/Button'
import { Skeleton } from '../../parts/Skeleton'
import { ClockChanges, Times } from '../../parts/Times'
import { text } from '../../text'
import type { Asked } from './ahead'
import { words } from './text'
import './Preview.css'

/** The next ten, as the server computes them; of an edit, before and after. */
export function Preview({ asked, isApi }: { asked: Asked; isApi: boolean }) {
  return (
    <section className="edit-card edit-preview" aria-labelledby="edit-preview">
      <h2 id="edit-preview">{words.preview.title}</h2>
      {isApi ? <p>{words.preview.api}</p> : <Content asked={asked} />}
    </section>
  )
}

function Content({ asked }: { asked: Asked }) {
  const { data, error, away } = asked
  if (!asked.isAsked) return <p className="quiet">{words.preview.nothing}</p>
  if (!data && !error && !away) return <Skeleton rows={5} height={28} />
  const isOld = !asked.isCurrent
  return (
    <>
      {/* Of fixed height: what is typed must not move what is read. */}
      <p className="edit-words" aria-live="polite">
        {away ? (
          <span className="is-late">{words.preview.away(away.failures)}</span>
        ) : error ? (
          <span className="edit-unfinished">
            {error.errors[0]?.message ?? error.detail}{' '}
            {error.isAway ? <Button onClick={asked.retry}>{words.preview.retry}</Button> : null}
          </span>
        ) : (
          data?.words
        )}
      </p>
      {data ? (
        <div className={isOld || error ? 'edit-ahead is-old' : 'edit-ahead'} aria-busy={isOld}>
          {data.before ? (
            <BeforeAfter before={data.before} after={data.after} zone={data.zone} />
          ) : data.after.length > 0 ? (
            <Times list={data.after} zone={data.zone} />
          ) : (
            <p>{text.times.none}</p>
          )}
          {data.more ? <p className="quiet">{words.preview.more}</p> : null}
          <ClockChanges list={data.clockChanges} />
        </div>
      ) : null}
    </>
  )
}
