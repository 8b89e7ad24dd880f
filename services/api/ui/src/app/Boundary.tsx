import { Component, type ReactNode } from 'react'
import { Failed } from '../parts/States'

/** One for each route: what breaks in a screen leaves the rest of the page as it is. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === null) return this.props.children
    return <Failed error={this.state.error} onRetry={reload} />
  }
}

/** Only once somebody answers: a page that is asked for in vain is replaced by the browser's own. */
async function reload(): Promise<void> {
  const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => null)
  if (answer?.ok) location.reload()
}
