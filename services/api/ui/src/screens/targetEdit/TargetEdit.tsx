import { useQuery } from '@tanstack/react-query'
import { useSearchParams } from 'wouter'
import { asApiError } from '../../api/problem'
import { readTarget } from '../../api/targets'
import { oneOf } from '../../app/address'
import { Page } from '../../app/Shell'
import { ButtonLink } from '../../parts/Button'
import { Skeleton } from '../../parts/Skeleton'
import { Empty } from '../../parts/States'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { nameOf } from '../targets/place'
import { draftOf, emptyDraft, fieldsOf, TYPES } from './draft'
import { Editor } from './Editor'
import '../edit/Edit.css'
import './TargetEdit.css'
import { words } from './text'

/** Creates a target, or edits one. */
export default function TargetEdit({ id }: { id?: string | undefined }) {
  const [search] = useSearchParams()
  if (id !== undefined) return <Opened id={id} />
  return (
    <Page title={words.title.new}>
      <Editor initial={emptyDraft(oneOf(search.get('type'), TYPES))} opened={null} />
    </Page>
  )
}

function Opened({ id }: { id: string }) {
  // Read once: a form is not fed again while one types.
  const query = useQuery({
    queryKey: ['/targets', id, 'opened'],
    queryFn: ({ signal }) => readTarget(id, signal),
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  })
  const target = query.data
  if (!target) {
    const isGone = query.isError && [404, 410].includes(asApiError(query.error).status)
    return (
      <Page title={words.title.edit}>
        {isGone ? (
          <Empty title={words.gone.title}>
            <p>{words.gone.about}</p>
            <ButtonLink href="/targets">{words.gone.all}</ButtonLink>
          </Empty>
        ) : isInTrouble(query) ? (
          <Trouble query={query} />
        ) : (
          <Skeleton rows={10} height={48} />
        )}
      </Page>
    )
  }
  const draft = draftOf(target)
  return (
    <Page title={`${words.title.edit} ${nameOf(target)}`}>
      <Editor initial={draft} opened={{ id, version: target.version, fields: fieldsOf(draft) }} />
    </Page>
  )
}
