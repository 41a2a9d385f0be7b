// Fields of the properties panel that our groups are made of.
import {
  CheckboxGroup,
  FeelEntry,
  NumberFieldEntry,
  SelectEntry,
  TextFieldEntry,
  isFeelEntryEdited,
  isNumberFieldEntryEdited,
  isSelectEntryEdited,
  isTextFieldEntryEdited,
} from '@bpmn-io/properties-panel';
import { useEffect, useState } from '@bpmn-io/properties-panel/preact/hooks';
import { useService } from 'bpmn-js-properties-panel';

const field =
  (Component, more = () => ({})) =>
  ({ element, id, label, get, set, description, ...given }) => (
    <Component
      element={element}
      id={id}
      label={label}
      description={description}
      getValue={get}
      setValue={set}
      debounce={useService('debounceInput')}
      {...more(given)}
    />
  );

const Choice = field(SelectEntry, ({ options }) => ({ getOptions: () => options() }));
const Text = field(TextFieldEntry);
const Count = field(NumberFieldEntry, () => ({ min: 1, step: 1 }));

/** Ticks; `get` gives the values that are ticked. */
function Ticks({ element, id, label, get, set, options }) {
  return <CheckboxGroup element={element} id={id} label={label} getValue={get} setValue={set} options={options()} />;
}

/** An expression, always or by choice, that knows the variables which exist where it stands. */
function Expression({ element, id, label, get, set, feel = 'optional' }) {
  const resolver = useService('variableResolver');
  const events = useService('eventBus');
  const [variables, setVariables] = useState([]);
  useEffect(() => {
    let gone = false;
    const ask = () => void resolver.getVariablesForElement(element.businessObject).then((found) => gone || setVariables(found));
    ask();
    events.on('commandStack.changed', ask);
    return () => {
      gone = true;
      events.off('commandStack.changed', ask);
    };
  }, [element]);
  return (
    <FeelEntry
      element={element}
      id={id}
      label={label}
      feel={feel}
      variables={variables}
      getValue={get}
      setValue={set}
      debounce={useService('debounceInput')}
    />
  );
}

/** A line of text, or a link to the page where what was chosen can be seen. */
function Note({ id, text, href }) {
  return (
    <div class="bio-properties-panel-entry studio-note" data-entry-id={id}>
      {href ? (
        <a href={href} target="_blank" rel="noopener">
          {text}
        </a>
      ) : (
        text
      )}
    </div>
  );
}

export const choice = (given) => ({ ...given, component: Choice, isEdited: isSelectEntryEdited });
export const text = (given) => ({ ...given, component: Text, isEdited: isTextFieldEntryEdited });
export const count = (given) => ({ ...given, component: Count, isEdited: isNumberFieldEntryEdited });
export const ticks = (given) => ({ ...given, component: Ticks });
export const expression = (given) => ({ ...given, component: Expression, isEdited: isFeelEntryEdited });
export const note = (given) => ({ ...given, component: Note });

/** Options of a choice: what exists, "none" before it, and what the diagram names although it does not exist. */
export function options(say, list, current, none = say('— none —')) {
  const known = list.some(({ value }) => value === current);
  const odd = current && !known ? [{ value: current, label: current.startsWith('=') ? current : say('{name} (does not exist)', { name: current }) }] : [];
  return [...(none === null ? [] : [{ value: '', label: none }]), ...list, ...odd];
}
