import { asApiError } from '../../api/problem'
import { useTargetHistory } from '../../api/targets'
import { Page } from '../../app/Shell'
import { ButtonLink } from '../../parts/Button'
import { Skeleton } from '../../parts/Skeleton'
import { Empty } from '../../parts/States'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { Instant, Relative } from '../../time/Instant'
import { words as targets } from '../targets/text'
import { ActorName } from '../trigger/Actor'
import { History } from './History'
import { words } from './text'

/** Of a deleted target there is its history; of an unknown one nothing. */
export function Gone({ id }: { id: string }) {
  const history = useTargetHistory(id)
  const last = history.data?.pages[0]?.rows[0]
  if (!last) {
    const isUnknown =
      history.data !== undefined || (history.error && asApiError(history.error).status === 404)
    return (
      <Page title={targets.one}>
        {isUnknown ? (
          <Empty title={words.gone.unknown}>
            <p>{words.gone.unknownTold}</p>
            <p className="mono quiet">{id}</p>
            <ButtonLink href="/targets">{words.gone.toAll}</ButtonLink>
          </Empty>
        ) : isInTrouble(history) ? (
          <Trouble query={history} />
        ) : (
          <Skeleton rows={6} />
        )}
      </Page>
    )
  }
  const { definition } = last
  return (
    <Page
      title={definition.name ?? definition.subject ?? targets.one}
      actions={<ButtonLink href="/targets">{words.gone.toAll}</ButtonLink>}
    >
      <div className="gone">
        <h2>{words.gone.title}</h2>
        <p>
          <Instant at={last.at} /> (<Relative at={last.at} />) {words.history.by}{' '}
          <ActorName actor={last.actor} />. {words.gone.told}
        </p>
      </div>
      <History id={id} current={null} />
    </Page>
  )
}
