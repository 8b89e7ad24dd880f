import { Page } from '../../app/Shell'

export default function Triggers() {
  return <Page title="Triggers">{null}</Page>
}
