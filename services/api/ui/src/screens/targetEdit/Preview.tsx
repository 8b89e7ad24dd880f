import { isBlank, type TargetDraft } from './draft'
import { words } from './text'

/** The request or message that the form means, as a receiver sees it. */
export function Preview({ draft }: { draft: TargetDraft }) {
  const isWebhook = draft.type === 'webhook'
  const lines = isWebhook ? webhookLines(draft) : natsLines(draft)
  return (
    <section className="edit-card" aria-labelledby="target-preview">
      <h2 id="target-preview">{words.preview.title}</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <pre className="target-request" tabIndex={0} aria-label={words.preview.title} role="region">
        {lines.join('\n')}
      </pre>
      <p className="quiet">{isWebhook ? words.preview.hint : words.preview.nats}</p>
    </section>
  )
}

const EVENT = [
  '{',
  '  "specversion": "1.0",',
  '  "type": "trigger.fired.v1",',
  '  "id": "0199…",',
  '  "data": { "trigger_id": "…", "payload": … }',
  '}',
]

function common(draft: TargetDraft): string[] {
  return [
    `Content-Type: ${draft.body === 'event' ? 'application/cloudevents+json' : 'application/json'}`,
    'webhook-id: 0199…',
    'webhook-timestamp: 1764500000',
    'etp-attempt: 1',
    'etp-test: false',
  ]
}

const bodyOf = (draft: TargetDraft): string[] =>
  draft.body === 'event' ? EVENT : ['{ "what": "the trigger carries" }']

function webhookLines(draft: TargetDraft): string[] {
  const place = urlOf(draft.url.trim())
  const headers = draft.headers.filter((row) => !isBlank(row) && row.name.trim())
  return [
    `POST ${place ? place.pathname + place.search : '/…'} HTTP/1.1`,
    `Host: ${place?.host ?? '…'}`,
    ...common(draft),
    'webhook-signature: v1,…',
    ...headers.map((row) => `${row.name.trim()}: ${row.isSecret ? '•••' : row.value}`),
    '',
    ...bodyOf(draft),
  ]
}

const natsLines = (draft: TargetDraft): string[] => [
  `PUB ${draft.subject.trim() || '…'}`,
  'Nats-Msg-Id: 0199…',
  ...common(draft),
  '',
  ...bodyOf(draft),
]

function urlOf(text: string): URL | null {
  try {
    return /^https?:\/\/./i.test(text) ? new URL(text) : null
  } catch {
    return null
  }
}
