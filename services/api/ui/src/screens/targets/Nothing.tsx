import { Button, ButtonLink } from '../../parts/Button'
import { Empty } from '../../parts/States'
import { type Filters, narrowing } from './filters'
import { words } from './text'

/** None yet: what one is, and the way to the first. */
export function FirstTarget() {
  return (
    <Empty title={words.first.title}>
      <p className="targets-told">{words.first.lead}</p>
      <div className="targets-ways">
        <ButtonLink href="/targets/new" kind="primary">
          {words.first.webhook}
        </ButtonLink>
        <ButtonLink href="/targets/new?type=nats">{words.first.nats}</ButtonLink>
      </div>
    </Empty>
  )
}

/** Some, but none passes the filters: they are named, and can be taken away. */
export function NoMatch({ filters, onClear }: { filters: Filters; onClear: () => void }) {
  return (
    <Empty title={words.noMatch.title}>
      <p>
        {words.noMatch.lead} {narrowing(filters).join(', ')}.
      </p>
      <div className="targets-ways">
        <Button kind="primary" onClick={onClear}>
          {words.noMatch.clearAll}
        </Button>
      </div>
    </Empty>
  )
}
