import { Dialog } from '../parts/Dialog'
import './Keys.css'

const KEYS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['Ctrl', 'K'], 'Find a trigger, go anywhere, change theme or zone'],
  [['/'], 'Search on this screen'],
  [['g', 't'], 'Triggers'],
  [['g', 'd'], 'Targets, where events are delivered'],
  [['g', 'e'], 'Event log'],
  [['g', 'o'], 'Overview'],
  [['g', 'a'], 'Access'],
  [['n'], 'New trigger'],
  [['j'], 'Next row, also arrow down'],
  [['k'], 'Row before, also arrow up'],
  [['x'], 'Select a trigger in its list'],
  [['Enter'], 'Open the row'],
  [['Esc'], 'Close what is open'],
  [['Ctrl', 'Enter'], 'Send the form, fire the payload'],
  [['?'], 'These keys'],
]

export default function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog isOpen onClose={onClose} title="Keys">
      <table className="keys">
        <tbody>
          {KEYS.map(([keys, does]) => (
            <tr key={does}>
              <th scope="row">
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </th>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  )
}
