import { Page } from '../../app/Shell'

export default function Edit({ id }: { id?: string | undefined }) {
  return <Page title="Edit">{id}</Page>
}
