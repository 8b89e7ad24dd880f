import { useSearchParams } from 'wouter'
import { asApiError } from '../../api/problem'
import { oneOf } from '../../app/address'
import { Page } from '../../app/Shell'
import { ZoneSwitch } from '../../app/ZoneSwitch'
import { ButtonLink } from '../../parts/Button'
import { Skeleton } from '../../parts/Skeleton'
import { Empty } from '../../parts/States'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { ownZone } from '../../time/format'
import { draftOf, emptyDraft, fieldsOf, KINDS } from './draft'
import { Editor } from './Editor'
import { useLastVersion, useOpened } from './opened'
import { words } from './text'
import './Edit.css'

/** Creates a trigger, from nothing or from a copy, or edits one. */
export default function Edit({ id }: { id?: string | undefined }) {
  const [search] = useSearchParams()
  const copied = id === undefined ? search.get('copy') : null
  const source = id ?? copied
  if (source !== null) return <Opened key={source} id={source} isCopy={id === undefined} />
  const draft = emptyDraft(oneOf(search.get('kind'), KINDS), ownZone())
  return (
    <Page title={words.title.new} actions={<ZoneSwitch />}>
      <Editor initial={draft} opened={null} />
    </Page>
  )
}

function Opened({ id, isCopy }: { id: string; isCopy: boolean }) {
  const query = useOpened(id)
  const trigger = query.data
  const title = isCopy
    ? words.title.copy
    : `${words.title.edit}${trigger ? ` ${trigger.name}` : ''}`
  const isGone = query.isError && asApiError(query.error).status === 404
  return (
    <Page title={title} actions={<ZoneSwitch />}>
      {trigger && isCopy ? (
        <Editor
          initial={{ ...draftOf(trigger), name: `${trigger.name} (copy)` }}
          opened={null}
          isCopy
        />
      ) : trigger ? (
        <Editor
          initial={draftOf(trigger)}
          opened={{
            id,
            version: trigger.version,
            words: trigger.in_words,
            fields: fieldsOf(draftOf(trigger)),
          }}
        />
      ) : isGone ? (
        <Gone id={id} />
      ) : isInTrouble(query) ? (
        <Trouble query={query} />
      ) : (
        <Skeleton rows={10} height={48} />
      )}
    </Page>
  )
}

/** There is nothing to edit: it was deleted, or never was. */
function Gone({ id }: { id: string }) {
  const last = useLastVersion(id)
  if (last.isPending) return isInTrouble(last) ? <Trouble query={last} /> : <Skeleton rows={4} />
  const isKnown = Boolean(last.data)
  return (
    <Empty title={words.gone.title}>
      <p>{isKnown ? words.gone.about : words.gone.never}</p>
      {isKnown ? (
        <ButtonLink kind="primary" href={`/triggers/${id}?tab=history`}>
          {words.gone.history}
        </ButtonLink>
      ) : null}
      <ButtonLink href="/triggers">{words.gone.all}</ButtonLink>
    </Empty>
  )
}
