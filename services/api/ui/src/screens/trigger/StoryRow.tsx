import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { resultOf, Tag } from '../../parts/Tag'
import { Instant } from '../../time/Instant'
import { ActorName } from './Actor'
import { diff, namesOf } from './diff'
import { detailOf, eventWay } from './Recent'
import type { Entry } from './story'
import { words } from './text'

interface Props {
  id: string
  entry: Entry
  zone: string
  isFresh: boolean
}

/** One thing that happened; what it leads to is the whole row. Reasons are shown in full. */
export function StoryRow({ id, entry, zone, isFresh }: Props) {
  switch (entry.kind) {
    case 'event': {
      const { row } = entry
      const due = row.scheduled_for
      return (
        <Row entry={entry} zone={zone} isFresh={isFresh} href={eventWay(row)}>
          <Tag result={resultOf(row)} />
          <span className="story-detail">
            {row.status === 'fired' && row.lateness === null ? '' : `${detailOf(row)} · `}
            {row.status !== 'fired' && due ? (
              <span className="quiet">
                {words.axis.due} <Instant at={due} schedule={zone} />
                {row.last_scheduled_for && row.last_scheduled_for !== due ? (
                  <>
                    {' – '}
                    <Instant at={row.last_scheduled_for} schedule={zone} />
                  </>
                ) : null}
                {' · '}
              </span>
            ) : null}
            <span className="quiet">
              {`${row.source} · ${words.log.version(row.trigger_version)}`}
            </span>
          </span>
        </Row>
      )
    }
    case 'edit': {
      const { version, before } = entry
      const fields = before ? namesOf(diff(before.definition, version.definition)) : ''
      return (
        <Row
          entry={entry}
          zone={zone}
          href={`/triggers/${id}?tab=history&version=${version.version}`}
        >
          <span className="tag tag-edit">{words.history[version.kind]}</span>
          <span className="story-detail">
            {words.log.version(version.version)}
            {fields ? `: ${fields}` : ''}
            <span className="quiet">
              {' · '}
              <ActorName actor={version.actor} />
            </span>
          </span>
        </Row>
      )
    }
    case 'dead':
      return (
        <Row entry={entry} zone={zone} href="/overview#dead-letters">
          <span className="tag tag-rejected">{words.log.deadLetter}</span>
          <span className="story-detail">
            {entry.letter.reason}
            <span className="quiet">{` · ${entry.letter.service}`}</span>
          </span>
        </Row>
      )
  }
}

interface RowProps {
  entry: Entry
  zone: string
  href: string
  isFresh?: boolean
  children: ReactNode
}

function Row({ entry, zone, href, isFresh, children }: RowProps) {
  return (
    <li className={isFresh ? 'story-row is-fresh' : 'story-row'}>
      <Link href={href} className="story-way">
        <Instant at={entry.at} schedule={zone} precise />
        {children}
      </Link>
    </li>
  )
}
