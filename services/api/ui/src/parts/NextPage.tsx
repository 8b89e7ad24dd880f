import { useCallback, useEffect, useRef, useState } from 'react'
import { asApiError } from '../api/problem'
import { text } from '../text'
import { Button } from './Button'
import { lastOf } from './heir'

interface Pages {
  data: { pageParams: unknown } | undefined
  error: unknown
  hasNextPage: boolean
  isFetchingNextPage: boolean
  isFetchNextPageError: boolean
  fetchNextPage: () => Promise<unknown>
}

/** The next page, as its place comes into sight; one that was refused is asked for by hand alone.
 *
 * What is put into the list meanwhile makes a success of it again: that it was refused is kept here.
 */
export function useNextPage(query: Pages) {
  const { error, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = query
  const end = query.data?.pageParams
  const [refused, setRefused] = useState<{ end: unknown; error: unknown } | null>(null)
  useEffect(() => {
    if (isFetchNextPageError) setRefused({ end, error })
  }, [isFetchNextPageError, end, error])

  const isRefused = isFetchNextPageError || (refused !== null && refused.end === end)
  const next = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isRefused) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, isRefused, fetchNextPage])
  return {
    next,
    /** Why it was refused. */
    refusal: isRefused ? (isFetchNextPageError ? error : refused?.error) : null,
    isAsking: isFetchingNextPage,
    again: () => void fetchNextPage(),
  }
}

/** Below the rows: why there are no more of them yet, and the way on. */
export function NextPage({ refusal, isAsking, again }: ReturnType<typeof useNextPage>) {
  const own = useRef<HTMLDivElement>(null)
  if (!refusal) return null
  return (
    <div className="stale" ref={own}>
      <span role="alert">{text.state.noMore}</span>
      <span>{asApiError(refusal).detail}</span>
      <Button
        onClick={again}
        isBusy={isAsking}
        heir={() => lastOf(own.current?.previousElementSibling)}
      >
        {text.state.retry}
      </Button>
    </div>
  )
}
