// The page on which a form of a draft is edited. Its template says which procedure and file.
import './forms.css';
import { Editor } from '../page/editor.js';
import { button, h } from '../page/elements.js';
import { Findings } from '../page/findings.js';
import zh from '../words/zh-forms.js';
import { editor } from './editor.js';
import { Preview } from './preview.js';
import { translated } from './words.js';

/** Each names its component between quotes, as a chosen one is found by. */
class FormFindings extends Findings {
  choose({ message }) {
    // the form itself is named first
    for (const [, name] of [...message.matchAll(/[“"]([^”"]+)[”"]/g)].slice(1)) if (this.chosen(name)) return;
  }
}

class Forms extends Editor {
  words = zh;
  says = { name: 'Form', unreadable: 'This form cannot be shown', failed: 'The form could not be opened', narrow: 'To look at. Change it on a larger screen.' };

  /** Beside the form: its properties, or the form on a phone. */
  frame() {
    super.frame();
    const { say, parts } = this;
    parts.canvas.classList.add('studio-form');
    parts.properties = h('div', { class: 'studio-properties' });
    parts.phone = h('div', { class: 'studio-preview', hidden: true });
    const tab = (name, shown) => button({ class: 'studio-tab', role: 'tab', 'aria-selected': String(!shown), onclick: () => this.turn(shown) }, say(name));
    parts.tabs = [tab('Properties', false), tab('Preview', true)];
    parts.panel.append(h('div', { class: 'studio-tabs', role: 'tablist', 'aria-label': say('Properties') }, ...parts.tabs), parts.properties, parts.phone);
  }

  turn(shown) {
    const { tabs, properties, phone } = this.parts;
    tabs.forEach((each, at) => each.setAttribute('aria-selected', String(shown === (at === 1))));
    [properties.hidden, phone.hidden] = [shown, !shown];
    this.root.classList.toggle('is-previewing', shown);
    this.preview?.look(shown);
  }

  list() {
    return new FormFindings(this.listed());
  }

  async make() {
    const { parts, say, base, path, token, narrow, server } = this;
    this.preview = new Preview(parts.phone, { base, path, token, say, server, text: () => this.current() });
    this.forms = editor(parts.canvas, parts.properties, say);
    if (narrow || this.root.classList.contains('is-previewing')) this.turn(true);
  }

  async open(text) {
    await this.forms.importSchema(JSON.parse(text));
  }

  /** The form as text, laid out as the file was. */
  async written() {
    const before = this.begun.text;
    const space = /^\s*[{[]\r?\n( +|\t)/.exec(before)?.[1] ?? '  ';
    return JSON.stringify(this.forms.saveSchema(), null, space) + (before.endsWith('\n') ? '\n' : '');
  }

  async opened() {
    const { parts, say, forms, narrow, bar } = this;
    translated([parts.canvas, parts.properties], say);
    const able = narrow ? () => {} : bar.steps(() => forms.get('commandStack'));
    forms.on('commandStack.changed', () => {
      able();
      this.changed();
    });
  }

  changed() {
    super.changed();
    this.preview.soon();
  }

  /** Selects the component that is called so by its key, path, name or id; false where none is. */
  reveal(name) {
    const called = ({ key, path, label, id, type }) => type !== 'default' && [key, path, label, id].some((each) => each && (each === name || name.endsWith(`.${each}`)));
    const found = this.forms.get('formFieldRegistry').getAll().find(called);
    if (found) this.forms.get('selection').set(found);
    return Boolean(found);
  }
}

void new Forms().start();
