import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClientProvider } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense } from 'react'
import { Redirect, Route, Router, Switch } from 'wouter'
import { queries } from '../api/queries'
import { Skeleton } from '../parts/Skeleton'
import { Toasts } from '../parts/Toast'
import Triggers from '../screens/triggers/Triggers'
import { ZoneProvider } from '../time/zone'
import { Boundary } from './Boundary'
import { NotFound } from './NotFound'
import { SignedIn } from './Session'
import { Shell } from './Shell'

const Login = lazy(() => import('../screens/login/Login'))
const Trigger = lazy(() => import('../screens/trigger/Trigger'))
const Edit = lazy(() => import('../screens/edit/Edit'))
const Events = lazy(() => import('../screens/events/Events'))
const Event = lazy(() => import('../screens/events/Event'))
const Overview = lazy(() => import('../screens/overview/Overview'))
const Access = lazy(() => import('../screens/access/Access'))

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <ZoneProvider>
          <Router base="/ui">
            <Suspense fallback={<Skeleton />}>
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
            </Suspense>
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
      {(params) => (
        <Boundary key={path}>
          <Suspense fallback={<Skeleton />}>{screen(params as never)}</Suspense>
        </Boundary>
      )}
    </Route>
  )
}
