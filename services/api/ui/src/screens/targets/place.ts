/** What is told of a target in few words: pure. */
import type { Target } from '../../api/targets'
import { words } from './text'

type Named = Pick<Target, 'name' | 'url' | 'subject' | 'id'>

/** Where it delivers to: its URL, or its subject. */
export const placeOf = ({ url, subject }: Pick<Target, 'url' | 'subject'>): string =>
  url ?? subject ?? ''

/** What people call it; without a name, the host or the subject. */
export const nameOf = (target: Named): string => target.name ?? (shortPlace(target) || target.id)

function shortPlace({ url, subject }: Pick<Target, 'url' | 'subject'>): string {
  if (url === null) return subject ?? ''
  try {
    return new URL(url).host
  } catch {
    return url
  }
}

/** How fast and in which order: `10 at once, 60 a minute, in order`. */
export function paceOf({ concurrency, rate, ordered }: Target): string {
  const said = [words.atOnce(concurrency)]
  if (rate) said.push(words.rate(rate.count, words.per[rate.per]))
  if (ordered) said.push(words.inOrder)
  return said.join(', ')
}
