import { ButtonLink } from '../parts/Button'
import { Empty } from '../parts/States'
import { Page } from './Shell'

export function NotFound() {
  return (
    <Page title="Not found">
      <Empty title="Nothing is at this address">
        <ButtonLink href="/triggers">To the triggers</ButtonLink>
      </Empty>
    </Page>
  )
}
