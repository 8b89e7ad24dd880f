import { useWindowVirtualizer } from '@tanstack/react-virtual'
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import './Table.css'

export interface Column<T> {
  key: string
  head: ReactNode
  cell: (row: T) => ReactNode
  /** Narrow screens show each row as a card of two columns: where this goes there, or not at all. */
  narrow?: 'start' | 'end' | 'none'
}

interface Props<T> {
  label: string
  columns: readonly Column<T>[]
  /** The columns' widths, as CSS has them for a grid. */
  template: string
  rows: readonly T[]
  id: (row: T) => string
  rowHeight: number
  /** How many there are in all, where that is known: pages come as they are scrolled to. */
  total?: number | null
  onOpen?: (row: T) => void
  onEnd?: () => void
  openId?: string | null
  rowClass?: (row: T) => string
  /** The height of a row's card on narrow screens. */
  narrowHeight?: number
  /** Told which rows are in the page: details are asked for those alone. */
  onRange?: (first: number, last: number) => void
  onKey?: (event: KeyboardEvent, row: T) => void
}

const NARROW = matchMedia('(max-width: 720px)')
const NARROW_ROW = 62

/** A list of any length: only the rows in sight are in the page, and the window scrolls it. */
export function Table<T>(props: Props<T>) {
  const { label, columns, template, rows, id, rowHeight, total, onOpen, onEnd, openId } = props
  const [isNarrow, setNarrow] = useState(NARROW.matches)
  const body = useRef<HTMLDivElement>(null)
  const [margin, setMargin] = useState(0)
  const [current, setCurrent] = useState<string | null>(null)

  useEffect(() => {
    const change = () => setNarrow(NARROW.matches)
    NARROW.addEventListener('change', change)
    return () => NARROW.removeEventListener('change', change)
  }, [])

  // What stands above may grow (a bar, a chart): where the rows begin is measured, not known. Right
  // after the browser laid the page out: to ask at another time is to lay it out once more.
  useLayoutEffect(() => {
    const measure = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0
      setMargin(Math.round(top + scrollY))
    }
    measure()
    const watching = new ResizeObserver(measure)
    watching.observe(document.body)
    return () => watching.disconnect()
  }, [])

  const height = isNarrow ? (props.narrowHeight ?? NARROW_ROW) : rowHeight
  // What stays in sight above and below (a head, a bar) is to hide no row that is led to.
  // biome-ignore lint/correctness/useExhaustiveDependencies: narrow pages have other bars
  const paddings = useMemo(paddingsOfPage, [isNarrow])
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => height,
    overscan: 6,
    scrollMargin: margin,
    ...paddings,
    // Were it another function each time, all rows would be measured anew with each frame.
    getItemKey: useCallback((index: number) => id(rows[index] as T), [rows, id]),
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: sizes are remembered by the virtualizer
  useEffect(() => virtual.measure(), [height])

  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  useEffect(() => {
    if (last >= rows.length - 20) onEnd?.()
  }, [last, rows.length, onEnd])

  // Stepping through what is open leads the list along; so its end is met, and asked on, in time.
  const opened = useRef(openId)
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows that come in above do not scroll
  useEffect(() => {
    const isStep = opened.current && openId && opened.current !== openId
    opened.current = openId
    const index = isStep ? rows.findIndex((row) => id(row) === openId) : -1
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
  }, [openId])

  const first = items[0]?.index ?? -1
  const { onRange } = props
  useEffect(() => {
    if (first >= 0) onRange?.(first, last)
  }, [first, last, onRange])

  function step(event: KeyboardEvent, index: number): void {
    if (event.target !== event.currentTarget) return
    const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key]
    const row = rows[index] as T
    if (by !== undefined) {
      event.preventDefault()
      focusRow(Math.max(0, Math.min(rows.length - 1, index + by)))
    } else if (event.key === 'Home' || event.key === 'End') {
      event.preventDefault()
      focusRow(event.key === 'Home' ? 0 : rows.length - 1)
    } else if (event.key === 'Enter' && onOpen) {
      event.preventDefault()
      onOpen(row)
    } else {
      props.onKey?.(event, row)
    }
  }

  function focusRow(index: number): void {
    virtual.scrollToIndex(index, { align: 'auto' })
    const wanted = id(rows[index] as T)
    setCurrent(wanted)
    requestAnimationFrame(() =>
      body.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(wanted)}"]`)?.focus(),
    )
  }

  // Tab reaches a row wherever the page is scrolled to: one that is not in it would take no focus.
  const sight = virtual.range?.startIndex ?? first
  const inTabOrder = items.some(({ key }) => key === current)
    ? current
    : items.find(({ index }) => index >= sight)?.key
  return (
    <div
      role="table"
      aria-label={label}
      aria-rowcount={(total ?? rows.length) + 1}
      className={isNarrow ? 'table is-narrow' : 'table'}
    >
      <div role="rowgroup" className="table-head">
        <div
          role="row"
          aria-rowindex={1}
          className="table-row"
          style={{ gridTemplateColumns: template }}
        >
          {columns.map((column) => (
            <div role="columnheader" key={column.key} className={`cell cell-${column.key}`}>
              {column.head}
            </div>
          ))}
        </div>
      </div>
      <div
        role="rowgroup"
        ref={body}
        className="table-body"
        style={{ height: virtual.getTotalSize() }}
      >
        {items.map((item) => {
          const row = rows[item.index] as T
          const own = id(row)
          return (
            <div
              role="row"
              key={item.key}
              data-row={own}
              aria-rowindex={item.index + 2}
              aria-selected={openId === own || undefined}
              tabIndex={own === inTabOrder ? 0 : -1}
              className={['table-row', onOpen && 'is-way', props.rowClass?.(row)]
                .filter(Boolean)
                .join(' ')}
              style={{
                height,
                transform: `translateY(${item.start - margin}px)`,
                gridTemplateColumns: isNarrow ? undefined : template,
              }}
              onFocus={() => setCurrent(own)}
              onKeyDown={(event) => step(event, item.index)}
              onClick={(event) => {
                const target = event.target as Element
                const isControl = target.closest('a, button, input, label, [role=menuitem]')
                if (!isControl && !getSelection()?.toString()) onOpen?.(row)
              }}
            >
              <Cells row={row} columns={columns} />
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** The first row takes the focus, as soon as it is in the page: what shows it has scrolled there. */
export function focusFirstRow(around: Element | null): void {
  let frames = 0
  const look = () => {
    const row = around?.querySelector<HTMLElement>('[aria-rowindex="2"]')
    if (row) row.focus({ preventScroll: true })
    else if (frames++ < 10) requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** As CSS has them for whatever else gets the focus. */
function paddingsOfPage() {
  const { scrollPaddingTop, scrollPaddingBottom } = getComputedStyle(document.documentElement)
  return {
    scrollPaddingStart: Number.parseFloat(scrollPaddingTop) || 0,
    scrollPaddingEnd: Number.parseFloat(scrollPaddingBottom) || 0,
  }
}

interface CellsProps<T> {
  row: T
  columns: readonly Column<T>[]
}

/** Drawn anew only where the row or the columns are others: not for each frame of a scroll, and
 * not where a row only moves down under those that came in above it. */
const Cells = memo(function Cells<T>({ row, columns }: CellsProps<T>) {
  return columns.map((column) => (
    <div
      role="cell"
      key={column.key}
      className={`cell cell-${column.key} at-${column.narrow ?? 'none'}`}
    >
      {column.cell(row)}
    </div>
  ))
}) as <T>(props: CellsProps<T>) => ReactNode
