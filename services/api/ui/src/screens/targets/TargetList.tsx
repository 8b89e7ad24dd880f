import { Combobox } from '@base-ui/react/combobox'
import { type ReactNode, useDeferredValue, useRef, useState } from 'react'
import { asApiError } from '../../api/problem'
import { askAgain } from '../../api/queries'
import { useTargets } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { useOpening } from '../../parts/Opens'
import { isInTrouble } from '../../parts/Trouble'
import { text } from '../../text'
import { nameOf } from './place'
import { typeNames, words } from './text'

export interface Item {
  value: string
  label: string
}

interface Props {
  className: string
  label: string
  /** With what is chosen. */
  said: string
  items: readonly Item[]
  most: number
  onChange: (ids: string[]) => void
  children: ReactNode
}

/** The names of targets, opened: there may be thousands, so the server looks for them. */
export default function TargetList(props: Props) {
  const { className, label, said, items, most, onChange, children } = props
  const { trigger, isOpen, setOpen } = useOpening()
  // A choice clears what was typed, too.
  const [typed, setTyped] = useState('')
  return (
    <Combobox.Root<Item, true>
      multiple
      open={isOpen}
      onOpenChange={setOpen}
      value={[...items]}
      onValueChange={(found) => {
        // Of one, another takes its place; of several, there is no room for more.
        const ids = found.map((item) => item.value)
        if (most === 1) {
          onChange(ids.slice(-1))
          setOpen(false)
        } else if (ids.length <= most) onChange(ids)
      }}
      isItemEqualToValue={(a, b) => a.value === b.value}
      inputValue={typed}
      onInputValueChange={setTyped}
      filter={null}
    >
      <Combobox.Trigger ref={trigger} className={className} aria-label={said}>
        {children}
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner className="popup-place" sideOffset={4} align="start">
          <Combobox.Popup className="popup" aria-label={label}>
            <Found chosen={items} most={most} q={typed.trim()} />
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  )
}

function Found(props: { chosen: readonly Item[]; most: number; q: string }) {
  const { chosen, most } = props
  const input = useRef<HTMLInputElement>(null)
  const q = useDeferredValue(props.q)
  const found = useTargets(q ? { q } : {})
  const rows = (found.data?.pages ?? []).flatMap((page) => page.rows)
  const known = new Set(chosen.map((item) => item.value))
  const isFull = most > 1 && chosen.length >= most
  const types = new Map(rows.map((row) => [row.id, typeNames[row.type]]))
  const items = [
    ...(q ? [] : chosen.map((item) => ({ ...item, type: types.get(item.value) ?? '' }))),
    ...rows
      .filter((row) => q !== '' || !known.has(row.id))
      .map((row) => ({ value: row.id, label: nameOf(row), type: typeNames[row.type] })),
  ]
  const { picker } = words
  return (
    <>
      <Combobox.Input
        ref={input}
        className="input popup-search"
        placeholder={picker.find}
        aria-label={picker.find}
      />
      <Combobox.List>
        {items.map((item) => (
          <Combobox.Item
            className="popup-item"
            key={item.value}
            value={item}
            disabled={isFull && !known.has(item.value)}
          >
            <span className="clip">{item.label}</span>
            {item.type ? <span className="popup-aside">{item.type}</span> : null}
            <Combobox.ItemIndicator className="popup-mark">
              <Icon name="check" />
            </Combobox.ItemIndicator>
          </Combobox.Item>
        ))}
      </Combobox.List>
      {isFull ? (
        <p className="popup-empty" role="status">
          {picker.full(most)}
        </p>
      ) : null}
      {isInTrouble(found) ? (
        <div className="popup-empty" role="alert">
          <p>{asApiError(found.failureReason ?? found.error).detail}</p>
          <Button
            onClick={() => {
              askAgain()
              // The button goes with what it says.
              input.current?.focus()
            }}
          >
            {text.state.retry}
          </Button>
        </div>
      ) : items.length === 0 && found.isSuccess && !found.isPlaceholderData ? (
        <p className="popup-empty">{q ? picker.nobody : picker.none}</p>
      ) : found.hasNextPage && !found.isPlaceholderData ? (
        <p className="popup-empty" role="status">
          {picker.more}
        </p>
      ) : null}
    </>
  )
}
