import { useQuery } from '@tanstack/react-query'
import { body, http, type Schemas } from '../../api/client'

export type DeadLetter = Schemas['DeadLetterShown']

const LOOKED_AT = 100

/** The newest dead letters that are about a trigger: by their subject, or by what they say. */
export function useDeadLettersOf(id: string) {
  return useQuery({
    queryKey: ['/dead-letters/', { limit: LOOKED_AT }],
    queryFn: ({ signal }) =>
      body(http.GET('/dead-letters/', { params: { query: { limit: LOOKED_AT } }, signal })),
    select: (letters) =>
      letters.filter(
        ({ original }) => original.subject.endsWith(`.${id}`) || original.body.includes(id),
      ),
    staleTime: 10_000,
  })
}
