import { describe, expect, it } from 'vitest'
import { AT_ONCE, byIds, distinct, type Part } from './byIds'

const ids = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`)

/** A gateway that has room for `room` rows a page, and knows all but one. */
function gateway(room: number) {
  const asked: Part[] = []
  const read = async (part: Part) => {
    asked.push(part)
    const known = part.id.filter((id) => id !== 'gone')
    const from = Number(part.cursor ?? 0)
    const to = from + room
    return { rows: known.slice(from, to), cursor: to < known.length ? String(to) : null }
  }
  return { asked, read }
}

describe('what ids name', () => {
  it('is read whole where there are more than one request takes', async () => {
    const { asked, read } = gateway(AT_ONCE)
    const found = await byIds([...ids(250), 'gone', 't3'], read)
    expect(found).toEqual(distinct(ids(250)))
    expect(asked.map(({ id }) => id.length)).toEqual([100, 100, 51])
  })

  it('is read on where a page was full before', async () => {
    const { asked, read } = gateway(40)
    expect(await byIds(ids(100), read)).toEqual(distinct(ids(100)))
    expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, '40', '80'])
  })

  it('is nothing where there are none, and nobody is asked', async () => {
    const { asked, read } = gateway(AT_ONCE)
    expect(await byIds([], read)).toEqual([])
    expect(asked).toEqual([])
  })
})
