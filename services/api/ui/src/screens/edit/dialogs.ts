/** What asks before it is saved or left: loaded beside the form, so that it is there when needed. */
export { Conflict } from './Conflict'
export { LeaveDialog } from './LeaveDialog'
export { Review } from './Review'
