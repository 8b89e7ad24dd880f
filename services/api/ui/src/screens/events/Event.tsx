import { Page } from '../../app/Shell'

export default function Event({ id }: { id: string }) {
  return <Page title="Event">{id}</Page>
}
