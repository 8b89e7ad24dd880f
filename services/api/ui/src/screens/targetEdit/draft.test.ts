import { expect, it } from 'vitest'
import { MASK } from '../../api/targetFields'
import { changesOf } from '../edit/draft'
import { draftOf, emptyDraft, fieldsOf, type HeaderRow, type TargetDraft } from './draft'
import { inOrder, localErrors, placed } from './pointers'

const shown = {
  type: 'webhook',
  name: 'Shop',
  url: 'https://a.example/x',
  headers: { 'X-Shop': 'a' },
  secret_headers: { Authorization: MASK },
  body: 'event',
  timeout: 15,
  retry: [5, 'PT2M', 'PT90S'],
  final_statuses: [410],
  concurrency: 10,
  rate: { count: 60, per: '1m' },
  ordered: false,
  ca: null,
  subject: null,
  durable: false,
  alert_target: null,
}

const header = (fields: Partial<HeaderRow>): HeaderRow => ({
  id: 1,
  name: '',
  value: '',
  isSecret: false,
  kept: null,
  ...fields,
})

const webhook = (fields: Partial<TargetDraft>): TargetDraft => ({
  ...emptyDraft('webhook'),
  url: 'https://a.example',
  ...fields,
})

const patchOf = (change: Partial<TargetDraft>) => {
  const draft = draftOf(shown)
  return changesOf(fieldsOf(draft), fieldsOf({ ...draft, ...change })).patch
}

it('sends what was set, and nothing that is so by default', () => {
  expect(fieldsOf(webhook({}))).toEqual({ type: 'webhook', url: 'https://a.example' })
  expect(fieldsOf({ ...emptyDraft('nats'), subject: 'out.a ', durable: true })).toEqual({
    type: 'nats',
    subject: 'out.a',
    durable: true,
  })
  expect(fieldsOf(webhook({ concurrency: '10', timeout: { count: '15', unit: 's' } }))).toEqual({
    type: 'webhook',
    url: 'https://a.example',
  })
})

it('an edit changes what was changed alone', () => {
  expect(patchOf({})).toEqual({})
  expect(patchOf({ name: '' })).toEqual({ name: null })
  expect(patchOf({ finalStatuses: '' })).toEqual({ final_statuses: [] })
  expect(patchOf({ rateCount: '' })).toEqual({ rate: null })
  expect(patchOf({ retry: [] })).toEqual({ retry: null })
  expect(patchOf({ timeout: { count: '5', unit: 's' } })).toEqual({ timeout: 5 })
})

it('keeps a secret header that is left alone, replaces one that is typed, drops one that goes', () => {
  const draft = draftOf(shown)
  const [plain, secret] = draft.headers
  expect(secret).toMatchObject({ name: 'Authorization', value: '', isSecret: true })
  expect(fieldsOf(draft).secret_headers).toEqual({ Authorization: MASK })
  const typed = draft.headers.map((row) => (row === secret ? { ...row, value: 'Bearer b' } : row))
  expect(patchOf({ headers: typed })).toEqual({ secret_headers: { Authorization: 'Bearer b' } })
  expect(patchOf({ headers: plain ? [plain] : [] })).toEqual({ secret_headers: null })
})

it('a stored value is not kept under another name, nor shown', () => {
  const renamed = header({ name: 'X-Other', isSecret: true, kept: 'Authorization' })
  const shownNow = header({ name: 'Authorization', isSecret: false, kept: 'Authorization' })
  for (const row of [renamed, shownNow]) {
    expect(localErrors(webhook({ headers: [row] })).map(({ field }) => field)).toEqual([
      '/headers/1',
    ])
  }
})

it('says what it can tell itself, at the rows', () => {
  const rows = [
    header({ id: 1 }),
    header({ id: 2, value: 'x' }),
    header({ id: 3, name: 'X-A', value: 'x' }),
    header({ id: 4, name: 'x-a', value: 'y', isSecret: true }),
    header({ id: 5, name: 'X-B' }),
  ]
  const found = localErrors(webhook({ url: ' ', headers: rows }))
  expect(found.map(({ field }) => field)).toEqual([
    '/url',
    '/headers/2',
    '/headers/4',
    '/headers/5',
  ])
})

it('puts a refusal at its row, its entry or its field', () => {
  const draft = webhook({
    headers: [
      header({ id: 7, name: 'Host', value: 'x' }),
      header({ id: 8, name: 'a/b', value: 'x', isSecret: true }),
    ],
    retry: [
      { id: 1, length: { count: '', unit: 's' } },
      { id: 2, length: { count: '40', unit: 'h' } },
    ],
    finalStatuses: '410, 500',
  })
  const at = (pointer: string) => placed({ pointer, message: 'no' }, draft)
  expect(at('/headers/Host').field).toBe('/headers/7')
  expect(at('/secret_headers/a~1b').field).toBe('/headers/8')
  expect(at('/secret_headers').field).toBe('/headers')
  expect(at('/retry/0')).toMatchObject({ field: '/retry/2', fold: 'retries' })
  expect(at('/retry')).toMatchObject({ field: '/retry', fold: 'retries' })
  expect(at('/final_statuses/1')).toMatchObject({ field: '/final_statuses', message: '500: no' })
  expect(at('/rate/count')).toMatchObject({ field: '/rate', fold: 'limits' })
  expect(at('/subject').field).toBeNull()
  expect(at('').label).toBe('The whole of it')
  const found = ['/retry/0', '/headers/Host', '/url', ''].map(at)
  expect(inOrder(found).map(({ field }) => field)).toEqual([null, '/url', '/headers/7', '/retry/2'])
})
