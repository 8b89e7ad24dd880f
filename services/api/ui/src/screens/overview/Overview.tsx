import { Page } from '../../app/Shell'

export default function Overview() {
  return <Page title="Overview">{null}</Page>
}
