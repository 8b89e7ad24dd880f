import type { components } from './schema.gen'

export type Problem = components['schemas']['Problem']
export type FieldError = components['schemas']['FieldError']

/** A refusal of the platform, or why none came: `status` is 0 where nobody answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly requestId: string | null = null,
    /** Seconds after which to ask again, where the server says so. */
    readonly retryAfter: number | null = null,
    readonly currentVersion: number | null = null,
  ) {
    super(detail)
    this.name = 'ApiError'
  }

  /** Nobody answered, or who did cannot at the moment: the same may pass later. */
  get isAway(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const retryAfter = Number(response.headers.get('retry-after')) || null
  const requestId = response.headers.get('x-request-id')
  try {
    const problem = (await response.clone().json()) as Problem
    return new ApiError(
      response.status,
      problem.code,
      problem.detail,
      problem.errors ?? [],
      problem.request_id ?? requestId,
      retryAfter,
      problem.current_version ?? null,
    )
  } catch {
    const detail = `the gateway answered ${response.status}`
    return new ApiError(response.status, 'unknown', detail, [], requestId, retryAfter)
  }
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof TypeError) return new ApiError(0, 'no-answer', 'the gateway does not answer')
  return new ApiError(-1, 'page', error instanceof Error ? error.message : String(error))
}
