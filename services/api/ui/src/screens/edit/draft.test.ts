import { describe, expect, it } from 'vitest'
import {
  changesOf,
  draftOf,
  emptyDraft,
  fieldsOf,
  scheduleChange,
  scheduleOf,
  testOf,
} from './draft'

describe('what is sent', () => {
  it('has nothing in it that is not set', () => {
    const draft = { ...emptyDraft('cron', 'UTC'), name: ' report ', cron: '0 9 * * *' }
    expect(fieldsOf(draft)).toEqual({ name: 'report', type: 'scheduled', cron: '0 9 * * *' })
  })

  it('has local times as they were typed, with their zone', () => {
    const draft = { ...emptyDraft('once', 'Europe/Berlin'), scheduleTime: '2035-01-26T15:00' }
    expect(scheduleOf(draft)).toEqual({
      schedule_time: '2035-01-26T15:00',
      timezone: 'Europe/Berlin',
    })
  })

  it('has nothing of a schedule for an API trigger, whatever was typed for another kind', () => {
    const draft = {
      ...emptyDraft('api', 'Asia/Kolkata'),
      name: 'a',
      cron: '* * * * *',
      maxFires: '3',
    }
    expect(fieldsOf(draft)).toEqual({ name: 'a', type: 'api' })
    expect(testOf(draft, [])).toEqual({ name: 'a', payload: null })
  })

  it('has its targets, and a test without saving those that it is given', () => {
    const draft = { ...emptyDraft('api', 'UTC'), name: 'a', targets: ['t1', 't2'] }
    expect(fieldsOf(draft)).toEqual({ name: 'a', type: 'api', targets: ['t1', 't2'] })
    expect(fieldsOf(draftOf(fieldsOf(draft)))).toEqual(fieldsOf(draft))
    expect(testOf(draft, [])).toEqual({ name: 'a', payload: null })
    expect(testOf(draft, ['t3'])).toEqual({ name: 'a', payload: null, targets: ['t3'] })
    expect(changesOf(fieldsOf(draft), { name: 'a', type: 'api' }).patch).toEqual({ targets: null })
  })

  it('leaves what is no number to the server', () => {
    const draft = { ...emptyDraft('interval', 'UTC'), interval: { count: 'x', unit: 'h' as const } }
    expect(scheduleOf({ ...draft, maxFires: 'many' })).toEqual({ interval: 'x', max_fires: 'many' })
  })
})

describe('an edit', () => {
  const stored = {
    name: 'a',
    type: 'scheduled',
    interval: 'PT90S',
    jitter: 90.5,
    starts_at: '2035-01-26T15:00',
    ends_at: '2036-01-26T15:00:00Z',
    misfire: { policy: 'all', max_age: 'PT10M', max_count: 100 },
    exclude: ['2035-12-25'],
    labels: ['x'],
    payload: { a: 1, b: { c: 2 } },
  }
  const base = fieldsOf(draftOf(stored))

  it('that changes nothing sends nothing', () => {
    expect(changesOf(base, fieldsOf(draftOf(stored))).patch).toEqual({})
  })

  it('sends the changed fields alone, and null for those taken away', () => {
    const draft = {
      ...draftOf(stored),
      endsAt: '',
      misfirePolicy: 'last' as const,
      payload: '{"a": 1}',
    }
    expect(changesOf(base, fieldsOf(draft))).toEqual({
      patch: { ends_at: null, misfire: { policy: null }, payload: { b: null } },
      isWhole: false,
    })
  })

  it('sends the whole where a merge patch cannot say it', () => {
    const draft = { ...draftOf(stored), payload: '{"a": null}' }
    expect(changesOf(base, fieldsOf(draft)).isWhole).toBe(true)
  })

  it('knows whether the schedule is touched', () => {
    expect(scheduleChange({ name: 'b', payload: 1 })).toBeNull()
    expect(scheduleChange({ name: 'b', interval: null, cron: '@daily' })).toEqual({
      interval: null,
      cron: '@daily',
    })
  })
})
