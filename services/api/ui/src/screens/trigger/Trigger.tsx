import { Page } from '../../app/Shell'

export default function Trigger({ id }: { id: string }) {
  return <Page title="Trigger">{id}</Page>
}
