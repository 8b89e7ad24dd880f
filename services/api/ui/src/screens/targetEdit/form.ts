import type { Faults } from '../edit/form'
import type { TargetDraft } from './draft'

/** What the parts of the form share: the draft, and what is wrong with it. */
export interface TargetForm extends Faults {
  draft: TargetDraft
  /** `pointer`: the field that was changed; what the last save said of it is no longer true. */
  set: (changes: Partial<TargetDraft>, pointer: string) => void
}
