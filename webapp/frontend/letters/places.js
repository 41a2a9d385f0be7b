// Content items of a letter: shown by what they are called, found in the list of what the step gives, changed where they stand.
import { NodeSelection } from 'prosemirror-state';
import { button, h, icon } from '../page/elements.js';
import { nested } from '../modeler/variables.js';
import { choice, expression, line } from './box.js';
import { FORMS, schema } from './schema.js';

export const FORM_NAMES = { text: 'As it is', day: 'Date', month: 'Month', money: 'Amount', lines: 'One item per line', duration: 'Years and months' };
/** How a kind of value is printed, unless somebody says otherwise. */
const BY_TYPE = { date: 'day', 'date-time': 'day', list: 'lines' };
const SHOWN = 60;

export class Places {
  /** `known` are the names that the steps give: `[{ name, label, type, from, example }]`. */
  constructor(box, { say, known }) {
    Object.assign(this, { box, say, known });
  }

  /** More names, with examples; what was known only as a whole is known by its parts now. */
  learn(names) {
    const all = new Map(this.known.map((each) => [each.name, each]));
    for (const each of names) all.set(each.name, { ...all.get(each.name), ...each });
    const whole = (name) => [...all.keys()].some((other) => other.startsWith(`${name}.`));
    this.known = [...all.values()].filter(({ name, example }) => example !== undefined || !whole(name)).sort((a, b) => a.name.localeCompare(b.name));
    this.nested = null;
  }

  get variables() {
    return (this.nested ??= nested(this.known));
  }

  /** The list of what can be inserted, below `anchor`. */
  offer(view, anchor) {
    const { say } = this;
    const search = h('input', { class: 'form-control', type: 'search', autocomplete: 'off', 'aria-label': say('Search content items'), placeholder: say('Search content items') });
    const list = h('ul', { class: 'letter-offers', 'aria-label': say('Content items') });
    const insert = (given) => {
      this.box.close();
      this.insert(view, given);
    };
    const show = () => {
      const words = search.value.trim().toLowerCase();
      const fit = this.known.filter(({ name, label = '' }) => !words || name.toLowerCase().includes(words) || label.toLowerCase().includes(words));
      list.replaceChildren(...fit.slice(0, SHOWN).map((each) => this.item(each, insert)));
      if (fit.length > SHOWN) list.append(h('li', { class: 'letter-more' }, say('{n} more: type to find them', { n: fit.length - SHOWN })));
      if (!fit.length) list.append(h('li', { class: 'letter-more' }, say('No content item of this name')));
    };
    search.addEventListener('input', show);
    search.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') list.querySelector('button')?.click();
      else if (event.key === 'ArrowDown') list.querySelector('button')?.focus();
      else return;
      event.preventDefault();
    });
    list.addEventListener('keydown', (event) => {
      const buttons = [...list.querySelectorAll('button')];
      const to = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!to) return;
      event.preventDefault();
      (buttons[buttons.indexOf(document.activeElement) + to] ?? search).focus();
    });
    show();
    const own = button({ class: 'btn btn-sm', onclick: () => insert({ name: search.value.trim(), label: search.value.trim(), ask: true }) }, icon('pencil'), say('Write an expression'));
    this.box.open(anchor, say('Content items'), [search, list, own], (back) => back && view.focus());
    search.focus();
  }

  item(each, insert) {
    const { name, label, from, example } = each;
    return h(
      'li',
      {},
      button(
        { class: 'letter-offer', onclick: () => insert(each) },
        h('strong', {}, label || name),
        h('code', {}, name),
        h('span', {}, [example, from].filter(Boolean).join(' · ')),
      ),
    );
  }

  insert(view, { name, label, type, ask }) {
    const as = name.endsWith('_fen') ? 'money' : (BY_TYPE[type] ?? 'text');
    const node = schema.nodes.place.create({ value: name, as, label: label || name });
    const { from } = view.state.selection;
    view.dispatch(view.state.tr.replaceSelectionWith(node).scrollIntoView());
    view.focus();
    if (ask) this.edit(view, from, true);
  }

  /** The box of the content item at `pos`; a `fresh` one that stays without content is taken out again. */
  edit(view, pos, fresh = false) {
    const { say } = this;
    const chip = view.nodeDOM(pos);
    const node = view.state.doc.nodeAt(pos);
    if (!chip || node?.type !== schema.nodes.place) return;
    const there = () => (view.state.doc.nodeAt(pos)?.type === schema.nodes.place ? view.state.doc.nodeAt(pos).attrs : null);
    const set = (name, value) => {
      if (there()) view.dispatch(view.state.tr.setNodeAttribute(pos, name, value));
    };
    const takeOut = () => view.dispatch(view.state.tr.delete(pos, pos + 1));
    const feel = expression(say('Content'), node.attrs.value, this.variables, (value) => set('value', value));
    let gone = false;
    const remove = () => {
      gone = true;
      this.box.close();
      takeOut();
      view.focus();
    };
    this.box.open(
      chip,
      say('Content item'),
      [
        line(say('Shown as'), node.attrs.label, (value) => set('label', value), { maxlength: 80 }),
        feel.element,
        choice(say('Printed as'), node.attrs.as, FORMS.map((each) => [each, say(FORM_NAMES[each])]), (value) => set('as', value)),
        h(
          'div',
          { class: 'letter-actions' },
          button({ class: 'btn btn-primary btn-sm', onclick: () => this.box.close(true) }, icon('check'), say('Done')),
          button({ class: 'btn btn-sm', onclick: remove }, icon('trash'), say('Take out')),
        ),
      ],
      (back) => {
        feel.done();
        if (there() && !gone) {
          const { value, label } = there();
          if (fresh && !value) takeOut();
          else if (!label.trim()) set('label', value);
        }
        if (back) view.focus();
      },
    );
    if (fresh) feel.focus();
  }

  /** What the editor asks of content items: press one, or Enter on a chosen one. */
  get props() {
    return {
      handleClickOn: (view, _, node, pos, event, direct) => {
        if (!direct || node.type !== schema.nodes.place || event.button) return false;
        view.dispatch(view.state.tr.setSelection(NodeSelection.create(view.state.doc, pos)));
        this.edit(view, pos);
        return true;
      },
      handleKeyDown: (view, event) => {
        const { selection } = view.state;
        if (event.key !== 'Enter' || selection.node?.type !== schema.nodes.place) return false;
        this.edit(view, selection.from);
        return true;
      },
      nodeViews: {
        place: (node) => chip(node, this.say),
      },
    };
  }
}

function chip({ attrs: { value, as, label } }, say) {
  const dom = h('span', { class: 'letter-place', title: value, 'data-value': value }, h('span', {}, label || value), as === 'text' ? null : h('small', {}, say(FORM_NAMES[as] ?? as)));
  return { dom, ignoreMutation: () => true };
}
