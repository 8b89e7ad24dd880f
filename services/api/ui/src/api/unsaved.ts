/** What was typed and not saved when a session ended. In the storage of this tab, since the sign-in
 * may be loaded anew; in this page's memory where that refuses it, as too much or as forbidden.
 */
const NAME = 'etp.unsaved'
let memory: string | null = null

/** `owner`: the id of the key that typed it. */
export function keepUnsaved(owner: string, text: string): void {
  // What is refused leaves nothing older behind.
  forgetUnsaved()
  const kept = `${owner} ${text}`
  memory = kept
  stored((storage) => storage.setItem(NAME, kept))
}

export function unsaved(owner: string): string | null {
  const kept = memory ?? stored((storage) => storage.getItem(NAME)) ?? ''
  return kept.startsWith(`${owner} `) ? kept.slice(owner.length + 1) : null
}

/** Of what another key typed nothing is left for whoever signs in. */
export function forgetUnsavedOfOthers(owner: string | null): void {
  if (owner === null || unsaved(owner) === null) forgetUnsaved()
}

export function forgetUnsaved(): void {
  memory = null
  stored((storage) => storage.removeItem(NAME))
}

function stored<T>(use: (storage: Storage) => T): T | undefined {
  try {
    return use(sessionStorage)
  } catch {
    return undefined
  }
}
