// The page on which a letter of a draft is written. Its template says which procedure and file.
import './letters.css';
import { Editor } from '../page/editor.js';
import { button, h, icon } from '../page/elements.js';
import { Findings } from '../page/findings.js';
import { functions } from '../words/functions.js';
import zh from '../words/zh-letters.js';
import { Box } from './box.js';
import { conditions } from './conditions.js';
import { read, write } from './file.js';
import { Places } from './places.js';
import { Preview } from './preview.js';
import { at, worded } from './finding.js';
import { select, sheet } from './sheet.js';
import { Toolbar } from './toolbar.js';

/** What it speaks of is said by its words, as nobody sees lines here, and selected where it stands. */
class LetterFindings extends Findings {
  place(finding) {
    return this.worded(finding) || this.say('Text of the letter');
  }

  choose(finding) {
    this.chosen(finding);
  }
}

class Letters extends Editor {
  words = zh;
  says = { name: 'Letter', unreadable: 'This letter cannot be shown', failed: 'The letter could not be opened', narrow: 'To look at. Change it on a larger screen.' };

  /** Above the sheet what can be done with it, beside it the pages. */
  frame() {
    super.frame();
    const { parts, say } = this;
    parts.canvas.classList.add('letter-desk');
    parts.panel.classList.add('letter-preview');
    parts.panel.setAttribute('aria-label', say('Preview'));
    // scrolled by keys, too
    parts.panel.setAttribute('tabindex', '0');
    parts.canvas.before((parts.toolbar = h('div', { class: 'letter-bar', role: 'toolbar', 'aria-label': say('Text of the letter') })));
  }

  list() {
    return Object.assign(new LetterFindings(this.listed()), { worded: (finding) => (this.view && finding.line ? worded(this.view.state.doc, this.where(finding)) : '') });
  }

  async load() {
    this.about = await this.server.json(`letters/about.json?${new URLSearchParams({ path: this.path })}`);
  }

  async make() {
    const { parts, say, server, path, about } = this;
    globalThis.studioFunctions = functions(say);
    const { sources, source } = about;
    const known = (names) => this.places?.learn(names);
    this.preview = new Preview(parts.panel, { server, path, say, text: () => this.current(), sources, source, known });
    this.bar.tools.append(...this.languages());
  }

  async open(text) {
    this.file = read(text);
    if (this.narrow) return;
    const { parts, say, bar, about } = this;
    const box = new Box(parts.canvas);
    const places = (this.places = new Places(box, { say, known: about.names }));
    const condition = (_, anchor) => conditions(this.view, anchor, { box, places, say });
    this.view = sheet(parts.canvas, this.file.doc, {
      say,
      places,
      condition: (pos, anchor) => {
        select(this.view, pos);
        condition(this.view, anchor);
      },
      changed: () => this.changed(),
      moved: (state) => this.toolbar?.show(state),
    });
    this.toolbar = new Toolbar(parts.toolbar, { say, view: this.view, bar, insert: (view, anchor) => places.offer(view, anchor), condition });
  }

  async written() {
    return write(this.view.state.doc, this.file).text;
  }

  async opened() {
    this.preview.soon(0);
  }

  changed() {
    super.changed();
    this.preview.soon();
  }

  /** What of the letter a finding speaks of. */
  reveal(finding) {
    if (this.view && finding.line) select(this.view, this.where(finding));
  }

  where({ line, column }) {
    const { doc } = this.view.state;
    return at(doc, { line, column, ...write(doc, this.file) });
  }

  /** The same letter in the other language. */
  languages() {
    const { path, files, say, base, server, bar, narrow } = this;
    const english = /_en\.html$/.test(path);
    const other = english ? path.replace(/_en\.html$/, '.html') : path.replace(/\.html$/, '_en.html');
    const address = `${base}/edit/${other.split('/').map(encodeURIComponent).join('/')}`;
    if (files.some((each) => each.path === other)) return [h('a', { class: 'btn btn-sm', href: address }, icon('language'), say(english ? 'Chinese letter' : 'English letter'))];
    if (narrow) return [];
    const begin = async () => {
      await server.write(other, (await this.current()).replace(/(<html[^>]*\slang=")[^"]*/i, `$1${english ? 'zh-CN' : 'en'}`), null);
      location.assign(address);
    };
    const label = say(english ? 'Begin the Chinese letter' : 'Begin the English letter');
    return [button({ class: 'btn btn-sm', onclick: () => void begin().catch((error) => bar.tell(error.message)) }, icon('language'), label)];
  }
}

void new Letters().start();
