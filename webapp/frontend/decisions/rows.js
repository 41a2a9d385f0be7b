// Test rows of the decision that is open: inputs, what is expected, and what comes of it; kept in a file beside the table.
import { button, h, icon } from '../page/elements.js';
import { keeping } from '../page/saving.js';

/** What was typed as a value: JSON where it is JSON, else the text itself; nothing where nothing was typed. */
const value = (typed) => {
  if (typed.trim() === '') return undefined;
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
};
/** A value as it is typed: a text without quotes, unless it would be read as something else. */
const typed = (given) => (given === undefined ? '' : typeof given === 'string' && value(given) === given ? given : JSON.stringify(given));

export class Rows {
  constructor(root, editor, { shown, changed }) {
    const { say, narrow, server } = editor;
    Object.assign(this, { say, narrow, server, shown, changed, list: [], outcomes: [], asks: {}, fault: null });
    this.path = editor.path.replace(/\.dmn$/, '.tests.json');
    this.box = h('section', { class: 'studio-analysis studio-rows' });
    root.append(this.box);
    this.keeper = keeping(editor, this.path, async () => this.text());
  }

  /** `files`: those of the draft. */
  async open(files) {
    const there = files.some(({ path }) => path === this.path);
    const { text } = await this.keeper.begin(there ? await this.server.read(this.path) : { text: '[]\n', revision: null }, this.narrow);
    this.take(text);
  }

  take(text) {
    this.given = text;
    try {
      this.list = JSON.parse(text);
      if (!Array.isArray(this.list) || !this.list.every((row) => row && typeof row === 'object')) throw new Error();
    } catch {
      // what somebody wrote by hand and cannot be read stays as it is
      this.list = null;
    }
  }

  /** The file's text; undefined while there are no rows and no file. */
  text() {
    return this.list === null ? this.given : `${JSON.stringify(this.list, null, 2)}\n`;
  }

  sent() {
    return this.list?.length || this.keeper.revision !== null ? this.text() : undefined;
  }

  told({ tests, asks, fault }) {
    Object.assign(this, { outcomes: tests, asks, fault });
    this.show(true);
  }

  edit(row, change) {
    change(row);
    this.keeper.changed();
    this.changed();
  }

  /** `quiet`: only what came of the rows, since somebody may be typing in one. */
  show(quiet = false) {
    const { say } = this;
    const decision = this.shown();
    const names = this.asks[decision];
    const rows = (this.list ?? []).filter((row) => (row.decision ?? Object.keys(this.asks)[0]) === decision);
    if (quiet && this.drawn === `${decision}:${rows.length}:${names}`) {
      for (const row of rows) this.states.get(row)?.replaceChildren(...this.state(row));
      return;
    }
    this.drawn = `${decision}:${rows.length}:${names}`;
    this.states = new Map();
    this.box.replaceChildren();
    if (!names && this.list) return;
    this.box.append(h('h2', {}, say('Test rows')));
    if (this.list === null || this.fault) this.box.append(h('p', { class: 'studio-note' }, this.fault || say('{path} cannot be read. Correct it as text.', { path: this.path })));
    this.box.append(...rows.map((row, at) => this.row(row, at + 1, names)));
    if (!this.narrow && this.list) this.box.append(button({ class: 'btn btn-sm', onclick: () => this.add(decision) }, icon('plus'), say('Add a test row')));
  }

  row(row, number, names) {
    const { say } = this;
    const state = h('p', { class: 'studio-outcome', role: 'status' }, ...this.state(row));
    this.states.set(row, state);
    const field = (label, text, change) =>
      h('label', {}, h('span', {}, label), h('input', { class: 'form-control', value: text, disabled: this.narrow, oninput: ({ target }) => this.edit(row, () => change(target.value)) }));
    return h(
      'fieldset',
      { class: 'studio-row' },
      h('legend', {}, say('Test row {n}', { n: number })),
      field(say('What it is about'), row.name ?? '', (text) => (row.name = text)),
      ...[...new Set([...names, ...Object.keys(row.given ?? {})])].map((name) =>
        field(name, typed(row.given?.[name]), (text) => {
          row.given = { ...row.given, [name]: value(text) };
        }),
      ),
      field(say('Expected result'), typed(row.expect), (text) => (row.expect = value(text) ?? null)),
      state,
      this.narrow ? null : button({ class: 'btn btn-sm', onclick: () => this.remove(row) }, icon('trash'), say('Remove the row')),
    );
  }

  state(row) {
    const { say } = this;
    const outcome = this.outcomes[this.list.indexOf(row)];
    if (!outcome) return [];
    if (outcome.passed) return [icon('circle-check'), say('As expected')];
    return [icon('circle-x'), outcome.failed ?? say('The result is {value}', { value: JSON.stringify(outcome.value) })];
  }

  add(decision) {
    this.list.push({ name: '', decision, given: {}, expect: null });
    this.edit(null, () => this.show());
    this.box.querySelector('fieldset:last-of-type input')?.focus();
  }

  remove(row) {
    this.outcomes.splice(this.list.indexOf(row), 1);
    this.list.splice(this.list.indexOf(row), 1);
    this.edit(null, () => this.show());
  }
}
