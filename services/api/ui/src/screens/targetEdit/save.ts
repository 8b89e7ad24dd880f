/** What a target's form saves. */
import { queries } from '../../api/queries'
import type { Fields } from '../edit/draft'

/** What is edited, as it was when it was opened. */
export interface Opened {
  id: string
  version: number
  fields: Fields
}

/** Everything that shows targets asks again. */
export function forget(): void {
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => String(queryKey[0]).startsWith('/targets'),
  })
}
