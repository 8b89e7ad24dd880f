/** What holds behind a closed fold, in one line. */
import type { Draft } from './draft'
import type { Length } from './length'
import { words } from './text'

const length = ({ count, unit }: Length): string =>
  unit === 'iso' ? count.trim() : `${count.trim()} ${unit}`

const moment = (value: string): string => value.replace('T', ' ')

export function limitsSaid(draft: Draft): string {
  const said: string[] = []
  if (draft.startsAt) said.push(`from ${moment(draft.startsAt)}`)
  if (draft.endsAt) said.push(`until ${moment(draft.endsAt)}`)
  const most = draft.maxFires.trim()
  if (most) said.push(`at most ${most} ${most === '1' ? 'fire' : 'fires'}`)
  if (draft.jitter.count.trim()) said.push(`up to ${length(draft.jitter)} later`)
  const dates = draft.exclude.filter((each) => each.trim())
  if (dates.length > 0) said.push(`not on ${dates.join(', ')}`)
  return said.join(', ') || words.fold.noLimits
}

export function downtimeSaid(draft: Draft): string {
  const said: string[] = []
  if (draft.kind === 'cron') said.push(words.dst[draft.dstPolicy])
  const age = draft.maxAge.count.trim() ? length(draft.maxAge) : '47 h'
  said.push(
    `after a downtime ${lower(words.misfire[draft.misfirePolicy])}, ${
      draft.misfirePolicy === 'none' ? '' : `none older than ${age}`
    }`.replace(/, $/, ''),
  )
  if (draft.maxCount.trim()) said.push(`at most ${draft.maxCount.trim()}`)
  return said.join('; ')
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
