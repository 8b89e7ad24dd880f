import { useRef } from 'react'
import { TARGET_FIELDS } from '../../api/targetFields'
import { type TargetVersion, useTargetHistory } from '../../api/targets'
import { useAddress } from '../../app/address'
import { Button } from '../../parts/Button'
import { lastOf } from '../../parts/heir'
import { Icon } from '../../parts/Icon'
import { JsonText } from '../../parts/JsonText'
import { NextPage, useNextPage } from '../../parts/NextPage'
import { Skeleton } from '../../parts/Skeleton'
import { isInTrouble, Trouble } from '../../parts/Trouble'
import { Instant, Relative } from '../../time/Instant'
import { fieldNames } from '../targets/text'
import { ActorName } from '../trigger/Actor'
import { Changes } from '../trigger/Changes'
import { diffOf, namesOf } from '../trigger/diff'
import '../trigger/Story.css'
import '../trigger/Trigger.css'
import { words } from './text'

const said = words.history

/** Every version: who, when, what changed. `current`: null where the target is deleted. */
export function History({ id, current }: { id: string; current: number | null }) {
  const { search, change } = useAddress()
  const history = useTargetHistory(id)
  const list = useRef<HTMLOListElement>(null)
  const page = useNextPage(history)
  const open = Number(search.get('version')) || null
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = history
  if (!history.data) {
    return isInTrouble(history) ? <Trouble query={history} /> : <Skeleton rows={5} />
  }
  const versions = history.data.pages.flatMap(({ rows }) => rows)
  return (
    <div className="history">
      <ol className="versions" ref={list}>
        {versions.map((version, index) => (
          <Version
            key={version.version}
            version={version}
            before={versions[index + 1] ?? null}
            isFirst={index === versions.length - 1 && !hasNextPage}
            isCurrent={version.version === current}
            isOpen={version.version === open}
            onToggle={(isOpen) => change({ version: isOpen ? `${version.version}` : null }, true)}
          />
        ))}
      </ol>
      <NextPage {...page} />
      {hasNextPage && !page.refusal ? (
        <Button
          onClick={() => void fetchNextPage()}
          isBusy={isFetchingNextPage}
          heir={() => lastOf(list.current)}
        >
          {said.older}
        </Button>
      ) : null}
    </div>
  )
}

interface VersionProps {
  version: TargetVersion
  before: TargetVersion | null
  isFirst: boolean
  isCurrent: boolean
  isOpen: boolean
  onToggle: (isOpen: boolean) => void
}

function Version({ version, before, isFirst, isCurrent, isOpen, onToggle }: VersionProps) {
  const changes = before ? diffOf(TARGET_FIELDS, before.definition, version.definition) : []
  const panel = `version-${version.version}`
  return (
    <li className={isOpen ? 'version is-open' : 'version'}>
      <div className="version-head">
        <button
          type="button"
          className="version-toggle"
          aria-expanded={isOpen}
          aria-controls={panel}
          onClick={() => onToggle(!isOpen)}
        >
          <Icon name="down" size={12} />
          <span className="version-number mono">{version.version}</span>
          <span className="version-what">
            <span className="version-kind">{said[version.kind]}</span>
            {isCurrent ? <span className="quiet"> ({said.current})</span> : null}
            <span className="quiet"> {namesOf(changes, fieldNames)}</span>
          </span>
        </button>
        <span className="version-who quiet">
          <Instant at={version.at} /> (<Relative at={version.at} />) {said.by}{' '}
          <ActorName actor={version.actor} />
        </span>
      </div>
      {isOpen ? (
        <div id={panel} className="version-panel">
          {isFirst ? <p className="quiet">{said.first}</p> : null}
          {changes.length > 0 ? (
            <Changes changes={changes} names={fieldNames} label={said.show(version.version)} />
          ) : isFirst ? null : (
            <p className="quiet">
              {said.unchanged} {version.kind === 'rotated' ? said.keptSecret : null}
            </p>
          )}
          <details open={isFirst}>
            <summary>{said.whole}</summary>
            <JsonText name={said.whole} text={JSON.stringify(version.definition, null, 2)} />
          </details>
        </div>
      ) : null}
    </li>
  )
}
