// The page on which the decision tables of a draft are edited. Its template says which procedure and file.
import './decisions.css';
import { Editor } from '../page/editor.js';
import { h, icon } from '../page/elements.js';
import { watchful } from '../page/saving.js';
import zh from '../words/zh-decisions.js';
import { Analysis } from './analysis.js';
import { Rows } from './rows.js';
import { editor, light, reveal, viewer } from './tables.js';
import { Views } from './views.js';

class Decisions extends Editor {
  words = zh;
  says = {
    name: 'Decision table',
    unreadable: 'This file cannot be shown as tables',
    failed: 'The decision tables could not be opened',
    narrow: 'To look at. Change it on a larger screen.',
  };
  rows = null;

  frame() {
    super.frame();
    const { canvas, bar, panel } = this.parts;
    canvas.classList.add('studio-tables');
    panel.setAttribute('aria-label', this.say('Analysis'));
    bar.after((this.parts.views = h('div', { class: 'studio-tabs', role: 'tablist', 'aria-label': this.say('Decisions') })));
  }

  async make() {
    const { parts, say, narrow, server, path, bar, asText } = this;
    this.tables = narrow ? viewer(parts.canvas, say) : editor(parts.canvas, say);
    const shown = () => this.tables.getActiveView()?.id;
    this.analysis = new Analysis(parts.panel, { server, path, say, text: () => this.current(), rows: () => this.rows, chosen: (id) => void this.reveal(id), shown });
    this.rows = new Rows(parts.panel, this, { shown, changed: () => this.analysis.soon() });
    await this.rows.open(this.files);
    new Views(parts.views, this.tables, say, () => {
      this.fit();
      this.analysis.show();
      this.rows.show();
    });
    if (!narrow) this.listen();
    // contexts, relations and the like are not drawn: they stand in the text
    bar.tools.append(h('a', { class: 'studio-tool', href: asText, title: say('Edit as text'), 'aria-label': say('Edit as text') }, icon('file-text')));
  }

  /** How decisions hang together is seen whole when it is opened first. */
  fit() {
    const drawn = this.tables.getActiveView()?.type === 'drd' ? this.tables.getActiveViewer() : null;
    if (!drawn || drawn === this.fitted) return;
    this.fitted = drawn;
    drawn.get('canvas').zoom('fit-viewport', 'auto');
  }

  /** Each decision is drawn by a modeler of its own, with changes of its own to undo. */
  listen() {
    const able = this.bar.steps(() => this.tables.getActiveViewer()?.get('commandStack', false));
    const heard = new Set();
    this.able = able;
    this.tables.on('viewer.created', ({ viewer: made }) => {
      if (heard.has(made)) return;
      heard.add(made);
      made.on('commandStack.changed', ({ trigger }) => {
        able();
        if (trigger !== 'clear') this.changed();
      });
    });
  }

  open(text) {
    return this.tables.importXML(text);
  }

  async written() {
    return (await this.tables.saveXML({ format: true })).xml;
  }

  async opened() {
    this.able?.();
    if (!this.narrow) watchful(this.rows.keeper);
    this.analysis.soon(0);
  }

  changed() {
    super.changed();
    this.analysis.soon();
  }

  reveal(id) {
    return reveal(this.tables, id);
  }

  light(ids) {
    light(this.tables, ids);
  }
}

void new Decisions().start();
