/** How many streams a browser holds, of all its windows together.
 *
 * On HTTP/1.1 a browser opens six connections a host, for all its windows: six streams would leave
 * none for anything else, and every screen would stand still. So three streams last, one more is
 * handed round among the other windows, and two connections stay for what is asked and answered.
 */

const LASTING = 3
const ROUND = 'etp-stream-round'

export interface Slot {
  /** Of the slot that is handed round: whether another window waits for it by now. */
  isWanted?: () => Promise<boolean>
  free: () => void
}

/** A slot for one stream, once there is one; nothing where `signal` ends the waiting. */
export async function takeSlot(signal: AbortSignal): Promise<Slot | null> {
  // Browsers have locks on https and on this machine alone: elsewhere no window knows of another.
  const { locks } = navigator as { locks?: LockManager }
  if (!locks) return { free() {} }
  for (let one = 0; one < LASTING; one += 1) {
    const free = await take(locks, `etp-stream-${one}`, { ifAvailable: true })
    if (free) return { free }
  }
  const free = await take(locks, ROUND, { signal })
  return free && { free, isWanted: () => isAwaited(locks) }
}

/** Holds the lock until what is returned is called; nothing where it cannot be had. */
function take(
  locks: LockManager,
  name: string,
  options: LockOptions,
): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    locks
      .request(name, options, (lock) =>
        lock ? new Promise<void>((free) => resolve(free)) : resolve(null),
      )
      .catch(() => resolve(null))
  })
}

async function isAwaited(locks: LockManager): Promise<boolean> {
  const { pending } = await locks.query()
  return pending?.some(({ name }) => name === ROUND) ?? false
}
