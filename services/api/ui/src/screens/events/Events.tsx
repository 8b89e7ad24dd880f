import { Page } from '../../app/Shell'

export default function Events() {
  return <Page title="Events">{null}</Page>
}
