import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { TargetField } from '../../api/targetFields'
import { type Target, useTargetsById } from '../../api/targets'
import { number } from '../../text'
import { lengthText } from '../targets/lengthText'
import { nameOf } from '../targets/place'
import { fieldNames, words as targets } from '../targets/text'
import { words } from './text'

const said = words.settings

/** Every field that may be set, and what holds where none is. */
export function Settings({ target }: { target: Target }) {
  const isWebhook = target.type === 'webhook'
  return (
    <section className="sheet" aria-labelledby="target-settings">
      <h2 id="target-settings">{said.title}</h2>
      <dl className="sheet-facts">
        {isWebhook ? (
          <Row field="headers">
            <Headers target={target} />
          </Row>
        ) : (
          <Row field="durable">{target.durable ? said.stream : said.broker}</Row>
        )}
        <Row field="timeout">{lengthText(target.timeout)}</Row>
        <Row field="concurrency">{number(target.concurrency)}</Row>
        <Row field="rate">
          {target.rate
            ? targets.rate(target.rate.count, targets.per[target.rate.per])
            : said.noLimit}
        </Row>
        <Row field="ordered">{target.ordered ? said.inOrder : said.anyOrder}</Row>
        <Row field="retry">
          {target.retry.length > 0 ? target.retry.map(lengthText).join(', ') : said.ownDelays}
        </Row>
        {isWebhook ? (
          <>
            <Row field="final_statuses">{target.final_statuses.join(', ') || said.never}</Row>
            <Row field="ca">
              {target.ca ? <pre className="target-ca">{target.ca}</pre> : said.system}
            </Row>
          </>
        ) : null}
        <Row field="alert_target">
          <Alert id={target.alert_target} />
        </Row>
      </dl>
    </section>
  )
}

function Row({ field, children }: { field: TargetField; children: ReactNode }) {
  return (
    <>
      <dt>{fieldNames[field]}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Headers({ target }: { target: Target }) {
  const plain = Object.entries(target.headers)
  const secret = Object.keys(target.secret_headers)
  if (plain.length + secret.length === 0) return said.unset
  return (
    <ul className="target-headers">
      {plain.map(([name, value]) => (
        <li key={name}>
          <code>
            {name}: {value}
          </code>
        </li>
      ))}
      {secret.map((name) => (
        <li key={name}>
          <code>{name}:</code> <span className="quiet">{said.hidden}</span>
        </li>
      ))}
    </ul>
  )
}

function Alert({ id }: { id: string | null }) {
  const found = useTargetsById(id === null ? [] : [id]).data?.[0]
  if (id === null) return said.unset
  return <Link href={`/targets/${id}`}>{found ? nameOf(found) : id}</Link>
}
