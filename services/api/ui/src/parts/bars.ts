/** The sums of a histogram: pure. */

export interface Bar {
  from: string
  counts: Readonly<Record<string, number>>
}

/** One path for all bars of a series, each on top of the series before it; 100 is the highest. */
export function pathOf(bars: readonly Bar[], series: readonly string[], index: number): string {
  const highest = Math.max(1, ...bars.map((bar) => sum(bar, series)))
  const name = series[index] ?? ''
  return bars
    .map((bar, at) => {
      const own = bar.counts[name] ?? 0
      if (own === 0) return ''
      const below = sum(bar, series.slice(0, index))
      // One among thousands is still seen.
      const height = Math.max(2, (own / highest) * 100)
      const bottom = Math.max(height, 100 - (below / highest) * 100)
      return `M${at + 0.08} ${round(bottom)}v${-round(height)}h.84v${round(height)}z`
    })
    .join('')
}

export function sum(bar: Bar, series: readonly string[]): number {
  return series.reduce((total, name) => total + (bar.counts[name] ?? 0), 0)
}

const round = (value: number): number => Math.round(value * 100) / 100

/** Of some bars together, by series. */
export function totals(bars: readonly Bar[], series: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    series.map((name) => [name, bars.reduce((all, bar) => all + (bar.counts[name] ?? 0), 0)]),
  )
}

/** What bars `first` to `last` cover, inside of what the chart does. */
export function range(
  bars: readonly Bar[],
  first: number,
  last: number,
  chart: { from: string; to: string },
): { from: string; to: string } {
  const low = bars[Math.min(first, last)]?.from ?? chart.from
  const next = bars[Math.max(first, last) + 1]?.from ?? chart.to
  const isCut = Date.parse(low) < Date.parse(chart.from)
  return { from: isCut ? chart.from : low, to: next }
}
