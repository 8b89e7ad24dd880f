/** The saving of a form, whatever it is of: how far it is, what was refused, and under which key. */
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { newKey } from '../../api/client'
import { type ApiError, asApiError } from '../../api/problem'
import { focusField } from './form'
import type { Placed } from './pointers'
import { type Place, type Refusal, refusalOf } from './refusal'

/** `stored` and not applied yet; `review` and `conflict` ask before anything is sent again. */
export type Step = 'editing' | 'saving' | 'review' | 'conflict' | 'stored'

/** `keptKey`: of an attempt before a sign-in, that may have been stored. */
export function useSave(place: Place, keptKey: string | null = null) {
  const [step, setStep] = useState<Step>('editing')
  const [errors, setErrors] = useState<readonly Placed[]>([])
  const [failed, setFailed] = useState<ApiError | null>(null)
  const summary = useRef<HTMLDivElement>(null)
  const isToldAbove = useRef(false)
  const isHere = useRef(true)
  const key = useRef(keptKey ?? newKey())
  const isUnsure = useRef(keptKey !== null)

  // Once it stands there, and after a dialog that closes has given the focus back.
  useEffect(() => {
    if (!isToldAbove.current) return
    isToldAbove.current = false
    requestAnimationFrame(() => summary.current?.focus())
  })

  useEffect(() => {
    isHere.current = true
    return () => {
      isHere.current = false
    }
  }, [])

  function refuse(refusal: Refusal): void {
    setStep(refusal.kind === 'conflict' ? 'conflict' : 'editing')
    setFailed(refusal.kind === 'failed' ? refusal.error : null)
    const found = refusal.kind === 'fields' ? refusal.errors : []
    setErrors(found)
    const [only] = found
    if (found.length === 1 && only?.field) focusField(only.field, only.at)
    else if (refusal.kind !== 'conflict') isToldAbove.current = true
    // Stored under this key was something else: what is sent now is another wish.
    if (refusal.kind === 'failed' && refusal.error.code === 'idempotency-mismatch') {
      key.current = newKey()
      isUnsure.current = false
    }
  }

  /** A refusal may be stored under its key, too: what is mended is another wish, unless an attempt
   * was left without an answer. That one may have been stored, and is not to be made twice. */
  function settle(error: unknown): void {
    if (asApiError(error).isAway) isUnsure.current = true
    else if (!isUnsure.current) key.current = newKey()
  }

  const fail = (error: unknown): void => refuse(refusalOf(error, place))

  /** Runs what saves, unless the page can tell by itself what is wrong. */
  async function submit(
    event: FormEvent,
    wrong: readonly Placed[],
    run: () => Promise<void>,
  ): Promise<void> {
    event.preventDefault()
    if (step !== 'editing') return
    if (wrong.length > 0) return refuse({ kind: 'fields', errors: wrong })
    try {
      await run()
    } catch (error) {
      settle(error)
      fail(error)
    }
  }

  return {
    step,
    setStep,
    errors,
    failed,
    summary,
    /** The `Idempotency-Key` of what is wished now. */
    key,
    /** False once the form is left: whoever went elsewhere is not led away. */
    isHere: () => isHere.current,
    refuse,
    fail,
    submit,
    /** What was changed is not wrong any more; without a pointer nothing is. */
    mend: (pointer?: string) =>
      setErrors((before) => (pointer ? before.filter(({ field }) => field !== pointer) : [])),
    /** Nothing is said any more of the attempt before. */
    begin: () => {
      setErrors([])
      setFailed(null)
    },
  }
}
