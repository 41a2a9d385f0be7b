// The editor of forms itself: form-js with the components that our server takes, in the person's words.
import { FormEditor } from '@bpmn-io/form-js-editor';
import flatpickr from 'flatpickr';
import { Mandarin } from 'flatpickr/dist/esm/l10n/zh.js';
import { functions } from '../words/functions.js';
import { Own } from './own.js';

/** A form editor in `canvas` with its properties in `panel`. */
export function editor(canvas, panel, say) {
  globalThis.studioFunctions = functions(say);
  if (say.chinese) flatpickr.localize(Mandarin);
  const made = new FormEditor({
    container: canvas,
    propertiesPanel: { parent: panel, feelPopupContainer: document.body },
    additionalModules: [{ __init__: ['studioNames', 'studioOwn'], studioNames: ['type', Names], studioOwn: ['type', Own], say: ['value', say] }],
  });
  canvas.addEventListener('click', (event) => add(made, event));
  return made;
}

/** A component that is clicked on goes to the end of the form and is there to be named; Enter is answered by the palette itself. */
function add(editor, { target, detail }) {
  const type = target.closest('.fjs-palette-field')?.dataset.fieldType;
  if (!type || !detail) return;
  const { schema } = editor._getState();
  const { id } = editor.get('modeling').addFormField({ type }, schema, schema.components.length);
  editor.get('selection').set(editor.get('formFieldRegistry').get(id));
  requestAnimationFrame(() => document.querySelector(`.fjs-element[data-id="${id}"]`)?.scrollIntoView({ block: 'nearest' }));
}

/** Components are called in the person's language, in the palette and in what a new one begins with; one that is read stays as it is. */
class Names {
  constructor(formFields, say) {
    for (const [type, field] of Object.entries(formFields._formFields)) {
      if (type === 'default') continue;
      const { label, name = label, create, ...config } = field.config;
      const called = say(name);
      const made = (options = {}, fresh) => {
        const begun = create(options, fresh);
        if (!fresh) return 'label' in options || !('label' in begun) ? begun : (({ label: _, ...rest }) => rest)(begun);
        return begin({ ...begun, ...(label ? { label: called } : {}), ...options }, options, called, say);
      };
      formFields.register(type, Object.assign((props) => field(props), { config: { ...config, name: called, create: made } }));
    }
  }
}

function begin(made, given, called, say) {
  const own = (name) => made[name] !== undefined && given[name] === undefined;
  if (own('label')) made.label = called;
  if (own('dateLabel')) made.dateLabel = say('Date');
  if (own('text')) made.text = called;
  if (own('content')) made.content = `<p>${called}</p>`;
  if (own('values')) made.values = made.values.map((each, at) => ({ ...each, label: `${say('Option')} ${at + 1}` }));
  if (own('columns')) made.columns = [{ label: say('Column'), key: 'column_1' }];
  return made;
}
Names.$inject = ['formFields', 'say'];
