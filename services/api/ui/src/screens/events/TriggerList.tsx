import { Combobox } from '@base-ui/react/combobox'
import { type ReactNode, useDeferredValue, useRef, useState } from 'react'
import { asApiError } from '../../api/problem'
import { askAgain } from '../../api/queries'
import { useTriggers } from '../../api/triggers'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { useOpening } from '../../parts/Opens'
import { isInTrouble } from '../../parts/Trouble'
import { text } from '../../text'
import { words } from './text'

export interface Item {
  value: string
  label: string
}

interface Props {
  className: string
  label: string
  items: Item[]
  onChange: (ids: string[]) => void
  children: ReactNode
}

/** The names of triggers, opened: there may be thousands, so the server looks for them. */
export default function TriggerList({ className, label, items, onChange, children }: Props) {
  const { trigger, isOpen, setOpen } = useOpening()
  return (
    <Combobox.Root<Item, true>
      multiple
      open={isOpen}
      onOpenChange={setOpen}
      value={items}
      onValueChange={(found) => onChange(found.map((item) => item.value))}
      isItemEqualToValue={(a, b) => a.value === b.value}
      filter={null}
    >
      <Combobox.Trigger ref={trigger} className={className} aria-label={label}>
        {children}
      </Combobox.Trigger>
      <Combobox.Portal>
        <Combobox.Positioner className="popup-place" sideOffset={4} align="start">
          <Combobox.Popup className="popup" aria-label={words.filters.trigger}>
            <Found chosen={items} />
          </Combobox.Popup>
        </Combobox.Positioner>
      </Combobox.Portal>
    </Combobox.Root>
  )
}

function Found({ chosen }: { chosen: readonly Item[] }) {
  const input = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState('')
  const q = useDeferredValue(typed.trim())
  const found = useTriggers({ sort: 'name', ...(q ? { q } : {}) })
  const rows = (found.data?.pages ?? []).flatMap((page) => page.rows)
  const known = new Set(chosen.map((item) => item.value))
  const items = [
    ...(q ? [] : chosen),
    ...rows
      .filter((row) => q !== '' || !known.has(row.id))
      .map((row) => ({ value: row.id, label: row.name })),
  ]
  return (
    <>
      <Combobox.Input
        ref={input}
        className="input popup-search"
        placeholder={words.findTrigger}
        aria-label={words.findTrigger}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      <Combobox.List>
        {items.map((item) => (
          <Combobox.Item className="popup-item" key={item.value} value={item}>
            <span className="clip">{item.label}</span>
            <Combobox.ItemIndicator className="popup-mark">
              <Icon name="check" />
            </Combobox.ItemIndicator>
          </Combobox.Item>
        ))}
      </Combobox.List>
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
        <p className="popup-empty">{words.noTrigger}</p>
      ) : found.hasNextPage && !found.isPlaceholderData ? (
        <p className="popup-empty" role="status">
          {words.moreTriggers}
        </p>
      ) : null}
    </>
  )
}
