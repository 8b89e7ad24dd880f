import { beforeEach, describe, expect, it, vi } from 'vitest'
import { emptyDraft } from './draft'
import { parse } from './json'

vi.stubGlobal('location', { origin: 'http://localhost' })

const opened = {
  id: '1',
  version: 3,
  words: null,
  fields: parse('{"payload": {"n": 12345678901234567890, "x": 1.0}}') as Record<string, unknown>,
}
const typed = { draft: { ...emptyDraft('api', 'UTC'), name: 'half' }, opened, key: 'k' }
const NEW = '/ui/triggers/new?kind=api'
const NAME = 'etp.unsaved'

/** A tab's storage; `most` characters go into it. */
function storage(most = 10_000) {
  const all = new Map<string, string>()
  return {
    getItem: (name: string) => all.get(name) ?? null,
    removeItem: (name: string) => all.delete(name),
    setItem: (name: string, value: string) => {
      if (value.length > most) throw new DOMException('', 'QuotaExceededError')
      all.set(name, value)
    },
  }
}

/** The page as it is after a load: its memory is empty. */
async function load() {
  vi.resetModules()
  return {
    ...(await import('./kept')),
    ...(await import('../../api/unsaved')),
  }
}

describe('what was typed when a session ended', () => {
  beforeEach(() => vi.stubGlobal('sessionStorage', storage()))

  it('is there again at its address, for the same key, also after a reload', async () => {
    const { keep, keptFor } = await load()
    keep(NEW, 'ann', typed)
    expect(keptFor(NEW, 'ann')).toEqual(typed)
    const again = await load()
    // Digit by digit: what it is compared with at the save is what was opened.
    expect(JSON.stringify(again.keptFor(NEW, 'ann'))).toBe(JSON.stringify(typed))
  })

  it('is shown to no other key, and at no other address', async () => {
    const { keep, keptFor } = await load()
    keep(NEW, 'ann', typed)
    expect(keptFor(NEW, 'bob')).toBeNull()
    expect(keptFor(NEW, null)).toBeNull()
    expect(keptFor('/ui/triggers/1/edit', 'ann')).toBeNull()
  })

  it('comes once', async () => {
    const { keep, keptFor, forgetUnsaved } = await load()
    keep(NEW, 'ann', typed)
    forgetUnsaved()
    expect(keptFor(NEW, 'ann')).toBeNull()
    expect(sessionStorage.getItem(NAME)).toBeNull()
  })

  it('is in memory where the storage has no room or is forbidden, and leaves nothing older', async () => {
    const { keep, keptFor } = await load()
    vi.stubGlobal('sessionStorage', storage(1_000))
    keep(NEW, 'ann', typed)
    const large = { ...typed, draft: { ...typed.draft, payload: 'x'.repeat(2_000) } }
    keep(NEW, 'ann', large)
    expect(keptFor(NEW, 'ann')).toEqual(large)
    expect(sessionStorage.getItem(NAME)).toBeNull()
    vi.stubGlobal('sessionStorage', undefined)
    keep(NEW, 'ann', typed)
    expect(keptFor(NEW, 'ann')).toEqual(typed)
  })

  it('is not taken from another build of the page, nor from what is none', async () => {
    const { keptFor } = await load()
    const { maxCount: _, ...older } = typed.draft
    for (const draft of [older, { ...typed.draft, labels: '' }, { ...typed.draft, kind: 'odd' }]) {
      const text = JSON.stringify({ address: NEW, typed: { ...typed, draft } })
      sessionStorage.setItem(NAME, `ann ${text}`)
      expect(keptFor(NEW, 'ann')).toBeNull()
    }
    sessionStorage.setItem(NAME, 'ann {')
    expect(keptFor(NEW, 'ann')).toBeNull()
  })
})
