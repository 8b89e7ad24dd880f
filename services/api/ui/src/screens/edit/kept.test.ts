import { afterEach, describe, expect, it, vi } from 'vitest'
import { emptyDraft } from './draft'

vi.stubGlobal('location', { origin: 'http://localhost' })
const { forgetKept, keep, keptFor } = await import('./kept')

const typed = { draft: { ...emptyDraft('api', 'UTC'), name: 'half' }, opened: null, key: 'k' }
const NEW = '/ui/triggers/new?kind=api'

describe('what was typed when a session ended', () => {
  afterEach(forgetKept)

  it('is there again at its address, for the same key', () => {
    keep(NEW, 'ann', typed)
    expect(keptFor(NEW, 'ann')).toBe(typed)
  })

  it('is shown to no other key, and at no other address', () => {
    keep(NEW, 'ann', typed)
    expect(keptFor(NEW, 'bob')).toBeNull()
    expect(keptFor(NEW, null)).toBeNull()
    expect(keptFor('/ui/triggers/1/edit', 'ann')).toBeNull()
  })

  it('comes once', () => {
    keep(NEW, 'ann', typed)
    forgetKept()
    expect(keptFor(NEW, 'ann')).toBeNull()
  })
})
