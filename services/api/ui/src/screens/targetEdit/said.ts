/** What holds behind a closed fold, in one line: pure. */
import { span } from '../../time/relative'
import type { Length } from '../edit/length'
import { delaysOf, statusesOf, type TargetDraft } from './draft'
import { words } from './text'

const { fold } = words

const told = ({ count, unit }: Length): string =>
  unit === 'iso' ? count.trim() : `${count.trim()} ${unit}`

export function limitsSaid(draft: TargetDraft): string {
  const count = draft.rateCount.trim()
  return fold.limitsSaid(
    draft.timeout.count.trim() ? told(draft.timeout) : '15 s',
    draft.concurrency.trim() || '10',
    count ? `${count} ${words.rate.per[draft.ratePer]}` : fold.noRate,
    words.ordered.names[draft.ordered ? 'yes' : 'no'],
  )
}

const SECONDS: Readonly<Record<Length['unit'], number>> = {
  s: 1,
  min: 60,
  h: 3_600,
  d: 86_400,
  iso: 0,
}

export function retriesSaid(draft: TargetDraft): string {
  const delays = delaysOf(draft)
  const parts = delays.map(({ length }) => Number(length.count) * SECONDS[length.unit])
  const isSummed = parts.length > 0 && parts.every((part) => part > 0)
  const sum = parts.reduce((all, part) => all + part, 0)
  const said = isSummed
    ? words.retry.sum(delays.length, span(sum))
    : delays.length > 0
      ? delays.map(({ length }) => told(length)).join(', ')
      : fold.ownRetries
  if (draft.type === 'nats') return said
  return `${said}; ${fold.ends(statusesOf(draft).join(', '))}`
}

export function trustSaid(draft: TargetDraft, isNew: boolean): string {
  const secret = draft.secret.trim() ? fold.secretOwn : fold.secretMade
  const ca = draft.ca.trim() ? fold.caOwn : fold.caSystem
  return isNew ? `${secret}; ${ca}` : ca
}

export const alertSaid = ({ alertTarget }: TargetDraft): string =>
  alertTarget ? fold.someAlert : fold.noAlert
