// What the panel asks for beyond form-js: the form's title, and the English texts of a component.
import { h } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** Texts of a component that English readers may have otherwise, in the order of the panel; `properties` holds them as `label_en`. */
const TEXTS = ['label', 'description', 'text', 'content', 'alt'];
/** Held by a form and of no use here: a procedure's version holds its forms. */
const WITHOUT = new Set(['versionTag']);

export class Own {
  constructor(propertiesPanel, say) {
    this.say = say;
    propertiesPanel.registerProvider(this, 500);
  }

  getGroups(field, editField) {
    return (groups) => {
      const kept = groups.map((group) => ({
        ...group,
        // the name of a component and of the form are what everybody comes for
        ...(group.id === 'general' && { shouldOpen: true }),
        ...(group.entries && { entries: group.entries.filter(({ id }) => !WITHOUT.has(id)) }),
      }));
      if (!field) return kept;
      return field.type === 'default' ? this.titled(kept, field, editField) : this.english(kept, field, editField);
    };
  }

  titled([general, ...others], field, editField) {
    const titles = [['title', 'Form title'], ['title_en', 'English title']].map(([id, label]) =>
      this.text({ id, label: this.say(label), field, value: field[id], set: (value) => editField(field, [id], value || undefined) }),
    );
    return general ? [{ ...general, entries: [...titles, ...general.entries] }, ...others] : others;
  }

  english(groups, field, editField) {
    const { properties = {} } = field;
    const entries = TEXTS.filter((name) => field[name] || properties[`${name}_en`] || (name === 'label' && field.dateLabel)).map((name) =>
      this.text({
        id: `${name}_en`,
        label: this.say(`English ${name}`),
        field,
        value: properties[`${name}_en`],
        set: (value) => {
          const { [`${name}_en`]: _, ...rest } = field.properties ?? {};
          const held = value ? { ...rest, [`${name}_en`]: value } : rest;
          editField(field, ['properties'], Object.keys(held).length ? held : undefined);
        },
      }),
    );
    const at = groups.findIndex(({ id }) => id === 'general') + 1;
    return entries.length ? [...groups.slice(0, at), { id: 'english', label: this.say('English texts'), entries }, ...groups.slice(at)] : groups;
  }

  text(given) {
    return { id: given.id, component: Text, isEdited: () => Boolean(given.value), given };
  }
}
Own.$inject = ['propertiesPanel', 'say'];

/** One line of text; what is typed counts after a moment, at the latest when the line is left. */
function Text({ given: { id, label, field, value = '', set } }) {
  const [typed, type] = useState(value);
  useEffect(() => type(value), [value, field.id]);
  useEffect(() => {
    if (typed === value) return undefined;
    const waiting = setTimeout(() => set(typed), 300);
    return () => clearTimeout(waiting);
  }, [typed]);
  const key = `bio-properties-panel-${id}`;
  return h(
    'div',
    { class: 'bio-properties-panel-entry', 'data-entry-id': id },
    h(
      'div',
      { class: 'bio-properties-panel-textfield' },
      h('label', { for: key, class: 'bio-properties-panel-label' }, label),
      h('input', {
        id: key,
        class: 'bio-properties-panel-input',
        type: 'text',
        autoComplete: 'off',
        value: typed,
        onInput: (event) => type(event.target.value),
        onBlur: () => typed !== value && set(typed.trim()),
      }),
    ),
  );
}
