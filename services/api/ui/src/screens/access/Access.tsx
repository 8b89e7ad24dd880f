import { Page } from '../../app/Shell'

export default function Access() {
  return <Page title="Access">{null}</Page>
}
