/** The fields of a definition that decide when it fires. */
export const SCHEDULE = [
  'schedule_time',
  'interval',
  'cron',
  'timezone',
  'dst_policy',
  'starts_at',
  'ends_at',
  'max_fires',
  'jitter',
  'exclude',
  'misfire',
] as const
