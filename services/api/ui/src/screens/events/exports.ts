import { toSearch } from './view'

export const FORMATS = ['ndjson', 'csv'] as const

export const exportOf = (filter: object, format: (typeof FORMATS)[number]): string =>
  `/events/export?${toSearch({ ...filter, deliveries: true, format })}`
