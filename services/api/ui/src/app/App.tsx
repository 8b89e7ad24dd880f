import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Redirect, Route, Router, Switch } from 'wouter'
import { queries } from '../api/queries'
import { lazily } from '../parts/lazily'
import { Skeleton } from '../parts/Skeleton'
import { Toasts } from '../parts/Toast'
import Triggers from '../screens/triggers/Triggers'
import { ZoneProvider } from '../time/zone'
import { Boundary } from './Boundary'
import { NotFound } from './NotFound'
import { SignedIn } from './Session'
import { Shell } from './Shell'

const Login = lazily(() => import('../screens/login/Login'), <Skeleton />)
const Trigger = lazily(() => import('../screens/trigger/Trigger'), <Skeleton />)
const Edit = lazily(() => import('../screens/edit/Edit'), <Skeleton />)
const Events = lazily(() => import('../screens/events/Events'), <Skeleton />)
const Event = lazily(() => import('../screens/events/Event'), <Skeleton />)
const Targets = lazily(() => import('../screens/targets/Targets'), <Skeleton />)
const Target = lazily(() => import('../screens/target/Target'), <Skeleton />)
const TargetEdit = lazily(() => import('../screens/targetEdit/TargetEdit'), <Skeleton />)
const Overview = lazily(() => import('../screens/overview/Overview'), <Skeleton />)
const Access = lazily(() => import('../screens/access/Access'), <Skeleton />)

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <ZoneProvider>
          <Router base="/ui">
            <Switch>
              <Route path="/login">
                <Login />
              </Route>
              <Route>
                <Shell>
                  <SignedIn>
                    <Screens />
                  </SignedIn>
                </Shell>
              </Route>
            </Switch>
          </Router>
          <Toasts />
        </ZoneProvider>
      </QueryClientProvider>
    </CSPProvider>
  )
}

function Screens() {
  return (
    <Switch>
      <Route path="/">
        <Redirect to="/triggers" replace />
      </Route>
      {at('/triggers', () => (
        <Triggers />
      ))}
      {at('/triggers/new', () => (
        <Edit />
      ))}
      {at('/triggers/:id/edit', ({ id }) => (
        <Edit key={id} id={id} />
      ))}
      {at('/triggers/:id', ({ id }) => (
        <Trigger key={id} id={id ?? ''} />
      ))}
      {at('/targets', () => (
        <Targets />
      ))}
      {at('/targets/new', () => (
        <TargetEdit />
      ))}
      {at('/targets/:id/edit', ({ id }) => (
        <TargetEdit key={id} id={id} />
      ))}
      {at('/targets/:id', ({ id }) => (
        <Target key={id} id={id ?? ''} />
      ))}
      {at('/events', () => (
        <Events />
      ))}
      {at('/events/:id', ({ id }) => (
        <Event id={id ?? ''} />
      ))}
      {at('/overview', () => (
        <Overview />
      ))}
      {at('/access', () => (
        <Access />
      ))}
      <Route>
        <NotFound />
      </Route>
    </Switch>
  )
}

/** A screen at its address, with a boundary of its own. */
function at(path: string, screen: (params: Record<string, string | undefined>) => ReactNode) {
  return (
    <Route path={path} key={path}>
      {(params) => <Boundary key={path}>{screen(params as never)}</Boundary>}
    </Route>
  )
}
