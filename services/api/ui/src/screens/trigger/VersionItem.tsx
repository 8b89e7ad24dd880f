import { useEffect, useRef } from 'react'
import { definitionOf } from '../../api/definition'
import type { Version } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { JsonText } from '../../parts/JsonText'
import { Instant, Relative } from '../../time/Instant'
import { ActorName } from './Actor'
import { Changes } from './Changes'
import { diff, namesOf } from './diff'
import { words } from './text'

interface Props {
  version: Version
  before: Version | null
  isFirst: boolean
  isCurrent: boolean
  isOpen: boolean
  /** The trigger is: a version of it can be created again, not restored. */
  isDeleted: boolean
  onToggle: (open: boolean) => void
  onRestore: () => void
}

export function VersionItem(props: Props) {
  const { version, before, isFirst, isCurrent, isOpen, isDeleted, onToggle, onRestore } = props
  const own = useRef<HTMLLIElement>(null)
  const wasOpen = useRef(false)
  const changes = before ? diff(before.definition, version.definition) : []
  const panel = `version-${version.version}`

  // Who comes by a link to a version finds it in sight; who opened it by hand sees it already.
  useEffect(() => {
    if (isOpen && !wasOpen.current) own.current?.scrollIntoView({ block: 'nearest' })
    wasOpen.current = isOpen
  }, [isOpen])

  return (
    <li ref={own} className={isOpen ? 'version is-open' : 'version'}>
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
            <span className="version-kind">{words.history[version.kind]}</span>
            {isCurrent ? <span className="quiet"> ({words.history.current})</span> : null}
            <span className="quiet"> {namesOf(changes)}</span>
          </span>
        </button>
        <span className="version-who quiet">
          <Instant at={version.at} /> (<Relative at={version.at} />) {words.history.by}{' '}
          <ActorName actor={version.actor} />
        </span>
        {isCurrent ? null : (
          <Button onClick={onRestore}>
            {isDeleted
              ? words.history.again(version.version)
              : `${words.history.restore} ${version.version}`}
          </Button>
        )}
      </div>
      {isOpen ? (
        <div id={panel} className="version-panel">
          {isFirst ? <p className="quiet">{words.history.first}</p> : null}
          {changes.length > 0 ? (
            <Changes changes={changes} label={words.history.show(version.version)} />
          ) : isFirst ? null : (
            <p className="quiet">{words.history.unchanged}</p>
          )}
          <details open={isFirst}>
            <summary>{words.history.whole}</summary>
            <JsonText
              name={words.history.whole}
              text={JSON.stringify(definitionOf(version.definition), null, 2)}
            />
          </details>
        </div>
      ) : null}
    </li>
  )
}
