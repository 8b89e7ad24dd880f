/** By which fields definitions of targets are compared: pure. */
import { TARGET_FIELDS } from '../../api/targetFields'
import type { Row } from '../edit/rows'
import { fieldNames } from '../targets/text'

export const TARGET_ROWS: readonly Row[] = TARGET_FIELDS.map((field) => ({
  key: field,
  label: fieldNames[field],
  fields: [field],
}))
