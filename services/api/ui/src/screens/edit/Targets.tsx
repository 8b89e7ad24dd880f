import { useRef } from 'react'
import { useTargetsById } from '../../api/targets'
import { Button } from '../../parts/Button'
import { Icon } from '../../parts/Icon'
import { nameOf, placeOf } from '../targets/place'
import { TargetPicker } from '../targets/TargetPicker'
import { type Form, FormGroup } from './form'
import { words } from './text'

/** As many as a trigger may name. */
const MOST = 8

/** Where what it fires is delivered. */
export function Targets({ form }: { form: Form }) {
  const { targets } = form.draft
  const read = useTargetsById(targets)
  const known = new Map(read.data?.map((target) => [target.id, target]))
  const chooser = useRef<HTMLDivElement>(null)
  const change = (ids: readonly string[]) => form.set({ targets: [...ids] }, '/targets')
  const said = words.targets
  return (
    <section className="edit-card edit-targets" aria-labelledby="edit-targets">
      <h2 id="edit-targets">{words.section.targets}</h2>
      <FormGroup form={form} pointer="/targets" hint={said.hint(MOST)}>
        <ul className="edit-chosen">
          {targets.map((id) => {
            const target = known.get(id)
            const name = target ? nameOf(target) : id
            const isGone = !target && read.isSuccess && !read.isPlaceholderData
            return (
              <li key={id}>
                <span className="clip">{name}</span>
                <span className={isGone ? 'field-error clip' : 'quiet mono clip'}>
                  {isGone ? said.gone : target ? placeOf(target) : ''}
                </span>
                <Button
                  kind="quiet"
                  isSign
                  aria-label={said.remove(name)}
                  heir={() => chooser.current?.querySelector('button')}
                  onClick={() => change(targets.filter((each) => each !== id))}
                >
                  <Icon name="close" size={12} />
                </Button>
              </li>
            )
          })}
        </ul>
        <div className="edit-choose" ref={chooser}>
          <TargetPicker
            label={words.section.targets}
            none={said.choose}
            face={said.choose}
            ids={targets}
            most={MOST}
            onChange={change}
          />
          {/* Beside this form, which keeps what was typed; it is asked again when one comes back. */}
          <a href="/ui/targets/new" target="_blank" rel="noopener">
            {said.create}
            <span className="unseen"> ({said.newTab})</span>
          </a>
        </div>
      </FormGroup>
    </section>
  )
}
