import { type Service, useServices } from '../../api/operations'
import { Skeleton } from '../../parts/Skeleton'
import { useSecond } from '../../time/clock'
import { measured, span } from '../../time/relative'
import { words } from './text'
import { WhenRead } from './WhenRead'

/** All four, whether they are ready, and how far behind each one is. */
export function Services() {
  const services = useServices()
  return (
    <WhenRead of={services} skeleton={<Skeleton rows={4} height={42} />}>
      {(data) => <List services={data} />}
    </WhenRead>
  )
}

function List({ services }: { services: readonly Service[] }) {
  return (
    <ul className="services">
      {services.map((each) => {
        const faults = Object.entries(each.checks).filter(([, said]) => said !== 'ok')
        return (
          <li key={`${each.service} ${each.instance}`} className="service">
            <strong>{each.service}</strong>
            <span className={each.ready ? 'is-fired' : 'is-rejected'}>
              {each.ready ? words.services.ready : words.services.notReady}
            </span>
            <span className="quiet clip">
              {each.version} {each.started_at ? <Up since={each.started_at} /> : null}
            </span>
            <span className="service-lag">
              {each.lag_s === null || each.lag_s === undefined
                ? ''
                : each.lag_s < 1
                  ? words.services.inTime
                  : words.services.lag(measured(each.lag_s))}
            </span>
            {faults.length > 0 ? (
              <span className="service-faults">
                {faults.map(([name, said]) => `${name}: ${said}`).join(', ')}
              </span>
            ) : null}
          </li>
        )
      })}
    </ul>
  )
}

/** For how long a service has run, by the server's clock. */
function Up({ since }: { since: string }) {
  const seconds = Math.max(0, useSecond() - Date.parse(since) / 1000)
  return (
    <time dateTime={since} title={since}>
      {words.services.up(span(seconds))}
    </time>
  )
}
