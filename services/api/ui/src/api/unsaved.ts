/** What was typed and not saved when a session ended. In the storage of this tab, since the sign-in
 * may be loaded anew; in this page's memory where that refuses it, as too much or as forbidden.
 */
const NAME = 'etp.unsaved'
let memory: string | null = null

export function keepUnsaved(text: string): void {
  // What is refused leaves nothing older behind.
  forgetUnsaved()
  memory = text
  stored((storage) => storage.setItem(NAME, text))
}

export const unsaved = (): string | null =>
  memory ?? stored((storage) => storage.getItem(NAME)) ?? null

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
