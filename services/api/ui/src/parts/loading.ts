/** What is loaded later, asked for as often as it takes.
 *
 * The build's own loader adds a style sheet to the page once, and at the next call takes one that
 * failed for one that is there: the part would come, and without its looks.
 */
import { ApiError } from '../api/problem'
import { text } from '../text'

const failed = new Set<HTMLLinkElement>()

document.addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === 'stylesheet') failed.add(target)
  },
  true,
)

export const NOT_LOADED = 'not-loaded'

/** Raises an `ApiError` of that code in plain words: a loader's own name files and addresses. */
export async function loading<T>(load: () => Promise<T>): Promise<T> {
  try {
    await Promise.all([...failed].map(again))
    return await load()
  } catch {
    throw new ApiError(0, NOT_LOADED, text.notLoadedHint)
  }
}

function again(link: HTMLLinkElement): Promise<void> {
  failed.delete(link)
  return new Promise((done, fail) => {
    const other = link.cloneNode() as HTMLLinkElement
    other.addEventListener('load', () => done())
    other.addEventListener('error', () => fail(new TypeError(`not loaded: ${other.href}`)))
    link.replaceWith(other)
  })
}
