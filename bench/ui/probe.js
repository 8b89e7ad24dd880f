// What the bench asks of a page. It only looks: events, frames and marks that the page shows anyway.
window.__bench = (() => {
  const probe = {}
  performance.setResourceTimingBufferSize(100_000)

  /** The instant by which the browser has painted what is in the page now. */
  const painted = () =>
    new Promise((done) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel()
        channel.port1.onmessage = () => done(performance.now())
        channel.port2.postMessage(null)
      })
    })

  // The last thing that a person did, and before which one the address changed.
  let touched = 0
  for (const name of ['keydown', 'pointerdown', 'pointerup', 'click']) {
    addEventListener(name, (event) => (touched = event.timeStamp), { capture: true })
  }
  let changed = null
  for (const name of ['pushState', 'replaceState']) {
    const real = history[name].bind(history)
    history[name] = (...all) => {
      const to = new URL(all[2] ?? '', location.href)
      if (changed === null && to.search !== location.search) changed = touched
      real(...all)
    }
  }

  // A wait: from an input, over the mark of what is old, until the mark is gone and painted.
  const WAITS = {
    preview: {
      since: () => touched,
      isOld: () => document.querySelector('.edit-preview [aria-busy=true]') !== null,
      isShown: () => document.querySelector('.edit-preview [aria-busy=false] tbody tr') !== null,
      asked: '/schedules/preview',
    },
    rows: {
      since: () => changed,
      isOld: () => document.querySelector('main [aria-busy=true]') !== null,
      isShown: () => document.querySelector('main [data-row], main .state') !== null,
      asked: '/events/?',
    },
  }
  let arrived = null
  probe.arm = (name) => {
    const wait = WAITS[name]
    changed = null
    const begun = performance.now()
    let isOld = false
    arrived = new Promise((done) => {
      const look = async () => {
        if (!isOld) isOld = wait.isOld()
        else if (!wait.isOld() && wait.isShown()) {
          watching.disconnect()
          const shown = await painted()
          const since = wait.since()
          const request = performance
            .getEntriesByType('resource')
            .filter((one) => one.name.includes(wait.asked) && one.startTime >= begun)
            .at(-1)
          done({
            shown: shown - since,
            server: request ? request.responseStart - request.requestStart : null,
            request: request ? request.responseEnd - request.startTime : null,
          })
        }
      }
      const watching = new MutationObserver(look)
      watching.observe(document, { attributes: true, childList: true, subtree: true })
    })
  }
  probe.arrived = () => arrived

  // Frames: from one to the next, in milliseconds.
  let frames = null
  probe.startFrames = () => {
    const mine = []
    frames = mine
    let before = null
    const each = (at) => {
      if (frames !== mine) return
      if (before !== null) mine.push(at - before)
      before = at
      requestAnimationFrame(each)
    }
    requestAnimationFrame(each)
  }
  probe.takeFrames = () => {
    const found = frames
    frames = null
    return found
  }

  // Event Timing, as INP is made of it: the longest event of each interaction. Told in steps of
  // 8 ms, and only from 16 ms on.
  let longest = 0
  const hear = (entries) => {
    for (const one of entries) if (one.interactionId) longest = Math.max(longest, one.duration)
  }
  const events = new PerformanceObserver((list) => hear(list.getEntries()))
  events.observe({ type: 'event', durationThreshold: 16 })
  probe.takeInteraction = async () => {
    // An event's time is told after the frame that follows it.
    await painted()
    await painted()
    hear(events.takeRecords())
    const found = longest
    longest = 0
    return found
  }

  let shifts = 0
  const add = (list) => {
    for (const one of list) if (!one.hadRecentInput) shifts += one.value
  }
  const layout = new PerformanceObserver((list) => add(list.getEntries()))
  layout.observe({ type: 'layout-shift', buffered: true })
  probe.shifts = () => {
    add(layout.takeRecords())
    return shifts
  }

  /** What the log page shows: how many rows, the newest one's age, and the rate that it tells. */
  probe.seen = () => {
    const newest = document.querySelector('[data-row] time')?.dateTime
    const rate = document.querySelector('.log-live .mono')?.textContent ?? ''
    return {
      rows: document.querySelectorAll('[data-row]').length,
      id: document.querySelector('[data-row]')?.dataset.row ?? null,
      age: newest ? Date.now() - Date.parse(newest) : null,
      rate: Number(rate.replace(/[^0-9]/g, '')),
    }
  }
  return probe
})()
