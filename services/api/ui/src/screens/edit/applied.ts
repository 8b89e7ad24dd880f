import { asApiError } from '../../api/problem'

const PAUSE = 1_000

/** Waits until what was stored is applied: it is there, in a version after `version`. `read` asks for
 * it in a list: that it is not there yet is no failure. */
export async function applied(
  written: { done: boolean; value: { id: string } },
  version: number,
  read: (ids: readonly string[]) => Promise<readonly { version: number }[]>,
  isWanted: () => boolean,
): Promise<void> {
  while (!written.done && isWanted()) {
    try {
      const [found] = await read([written.value.id])
      if (found && found.version > version) return
    } catch (error) {
      if (!asApiError(error).isAway) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE))
  }
}
