/** What a target's definition is made of: pure. */
import type { TargetDefinition } from './targets'

/** All that its owner writes, in the order of the form. */
export const TARGET_FIELDS = [
  'name',
  'type',
  'url',
  'subject',
  'durable',
  'body',
  'headers',
  'secret_headers',
  'timeout',
  'concurrency',
  'rate',
  'ordered',
  'retry',
  'final_statuses',
  'ca',
  'alert_target',
] as const satisfies readonly (keyof TargetDefinition)[]

export type TargetField = (typeof TARGET_FIELDS)[number]

/** What stands for a secret header's value; written back, it keeps what is stored. */
export const MASK = '***'
