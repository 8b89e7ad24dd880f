import type { UseQueryResult } from '@tanstack/react-query'
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
import { useCopied, useLastVersion, useOpened } from './opened'
import { words } from './text'
import './Edit.css'

/** Creates a trigger, from nothing or from a copy, or edits one. */
export default function Edit({ id }: { id?: string | undefined }) {
  const [search] = useSearchParams()
  const copied = search.get('copy')
  if (id !== undefined) return <Opened key={id} id={id} />
  if (copied !== null) {
    const version = Number(search.get('version')) || null
    return <Copied key={`${copied} ${version}`} id={copied} version={version} />
  }
  const draft = emptyDraft(oneOf(search.get('kind'), KINDS), ownZone())
  return (
    <Page title={words.title.new} actions={<ZoneSwitch />}>
      <Editor initial={draft} opened={null} />
    </Page>
  )
}

function Copied({ id, version }: { id: string; version: number | null }) {
  const query = useCopied(id, version)
  return (
    <Page title={words.title.copy} actions={<ZoneSwitch />}>
      {query.data ? (
        <Editor
          initial={{ ...draftOf(query.data), name: `${query.data.name} (copy)` }}
          opened={null}
          isCopy
        />
      ) : (
        <Waiting id={id} query={query} />
      )}
    </Page>
  )
}

function Opened({ id }: { id: string }) {
  const query = useOpened(id)
  const trigger = query.data
  return (
    <Page
      title={`${words.title.edit}${trigger ? ` ${trigger.name}` : ''}`}
      actions={<ZoneSwitch />}
    >
      {trigger ? (
        <Editor
          initial={draftOf(trigger)}
          opened={{
            id,
            version: trigger.version,
            words: trigger.in_words,
            fields: fieldsOf(draftOf(trigger)),
          }}
        />
      ) : (
        <Waiting id={id} query={query} />
      )}
    </Page>
  )
}

function Waiting({ id, query }: { id: string; query: UseQueryResult }) {
  if (query.isError && asApiError(query.error).status === 404) return <Gone id={id} />
  return isInTrouble(query) ? <Trouble query={query} /> : <Skeleton rows={10} height={48} />
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
