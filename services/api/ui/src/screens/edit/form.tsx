import { type ReactNode, useId } from 'react'
import { Field } from '../../parts/Field'
import type { Draft } from './draft'
import { PLACES, type Placed, readable } from './pointers'
import './Fields.css'

/** What is wrong with what stands in a form. */
export interface Faults {
  /** Of the last save, or of the page itself: firm. */
  errors: readonly Placed[]
  /** Of the preview, while one types. */
  quiet: readonly Placed[]
}

/** What the parts of the form share: the draft, and what is wrong with it. */
export interface Form extends Faults {
  draft: Draft
  /** `pointer`: the field that was changed; what the last save said of it is no longer true. */
  set: (changes: Partial<Draft>, pointer: string) => void
}

export function errorAt(list: readonly Placed[], pointer: string): string | null {
  const own = list.filter((error) => error.field === pointer)
  if (own.length === 0) return null
  return own
    .map(({ pointer: full, message }) => {
      const inner = readable(full.slice(pointer.length))
      return inner ? `${inner}: ${message}` : message
    })
    .join(' · ')
}

/** Refusals of the preview stand below a field in quiet ink: one is not done typing. */
function hintOf(form: Faults, pointer: string, hint: ReactNode): ReactNode {
  const said = errorAt(form.errors, pointer) ? null : errorAt(form.quiet, pointer)
  return said ? <span className="edit-unfinished">{said}</span> : hint
}

interface Props {
  form: Faults
  pointer: string
  label?: string
  hint?: ReactNode
  /** Where the heading above says it already. */
  isLabelUnseen?: boolean
  children: ReactNode
}

/** A field of one control. */
export function FormField({ form, pointer, label, hint, children }: Props) {
  return (
    <Field
      label={label ?? PLACES[pointer]?.label ?? pointer}
      name={pointer}
      error={errorAt(form.errors, pointer)}
      hint={hintOf(form, pointer, hint)}
    >
      {children}
    </Field>
  )
}

/** A field of several controls, each with a name of its own. */
export function FormGroup({ form, pointer, label, hint, isLabelUnseen, children }: Props) {
  const id = useId()
  const error = errorAt(form.errors, pointer)
  const said = hintOf(form, pointer, hint)
  return (
    <div
      className="field"
      role="group"
      aria-labelledby={id}
      aria-describedby={error ? `${id}-error` : said ? `${id}-hint` : undefined}
      data-pointer={pointer}
      data-invalid={error ? '' : undefined}
    >
      <span className={isLabelUnseen ? 'unseen' : 'field-label'} id={id}>
        {label ?? PLACES[pointer]?.label ?? pointer}
      </span>
      {children}
      {error ? (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      ) : null}
      {said ? (
        <p className="field-hint" id={`${id}-hint`}>
          {said}
        </p>
      ) : null}
    </div>
  )
}

/** Puts the focus into a field, once it is there: it may have to be opened or loaded first. */
export function focusField(pointer: string, at: number | null = null): void {
  const until = performance.now() + 3_000
  const look = () => {
    const control = controlIn(document.querySelector(`[data-pointer="${CSS.escape(pointer)}"]`))
    if (control) {
      control.focus()
      control.scrollIntoView({ block: 'center' })
      if (at !== null && control instanceof HTMLInputElement) {
        const rest = control.value.slice(at).search(/[\s,]/)
        control.setSelectionRange(at, rest <= 0 ? at + 1 : at + rest)
      }
    } else if (performance.now() < until) requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

function controlIn(field: Element | null): HTMLElement | null {
  if (!field) return null
  // An editor that is still being loaded is waited for.
  if (field.querySelector('[data-loading]')) return null
  const editor = field.querySelector('[data-editor]')?.shadowRoot?.querySelector('.cm-content')
  const wanted = field.querySelector('[aria-invalid="true"], input, textarea')
  const control = editor ?? wanted ?? field.querySelector('button')
  const isSeen = control?.checkVisibility() ?? false
  return isSeen ? (control as HTMLElement) : null
}
