/** What is loaded later, asked for as often as it takes.
 *
 * The build's own loader adds a style sheet to the page once, and at the next call takes one that
 * failed for one that is there: the part would come, and without its looks.
 */
const failed = new Set<HTMLLinkElement>()

document.addEventListener(
  'error',
  ({ target }) => {
    if (target instanceof HTMLLinkElement && target.rel === 'stylesheet') failed.add(target)
  },
  true,
)

export async function loading<T>(load: () => Promise<T>): Promise<T> {
  await Promise.all([...failed].map(again))
  return load()
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
