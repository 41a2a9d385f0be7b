// How every editor opens its file: what the page's template says, what the server and this browser hold of the file, and who watches over it afterwards.
import { wordsOf } from '../words/words.js';
import { fill, h } from './elements.js';
import { Findings } from './findings.js';
import { Head } from './head.js';
import { keeping, watchful } from './saving.js';
import { Server, Unreachable } from './server.js';
import { others } from './together.js';

/** On a screen this small files are looked at only. */
const NARROW = '(max-width: 760px)';

/**
 * One kind of file and its editor. A kind says what it is called (`says`, keys of its `words`), makes what draws it (`make`), shows a text in it
 * (`open`, which throws where the text cannot be shown) and gives the text of what is drawn (`written`). It calls `changed` at every change.
 */
export class Editor {
  words = {};
  says = { name: '', unreadable: '', failed: '', narrow: '' };

  /** The page's parts; kinds add theirs. */
  frame() {
    const { root, say } = this;
    const part = (tag, name, label) => h(tag, { class: `studio-${name}`, 'aria-label': label && say(label) });
    const bar = h('div', { class: 'studio-bar', role: 'toolbar', 'aria-label': say(this.says.name) });
    const [canvas, findings, panel] = [part('div', 'canvas'), part('section', 'findings', 'Findings'), part('aside', 'panel', 'Properties')];
    root.replaceChildren(bar, h('div', { class: 'studio-body' }, h('div', { class: 'studio-drawing' }, canvas, findings), panel));
    this.parts = { bar, canvas, findings, panel };
  }

  head() {
    return new Head(this.parts.bar, this);
  }

  list() {
    return new Findings(this.listed());
  }

  /** What every list of findings is made from. */
  listed() {
    const { server, path, say, parts } = this;
    return { server, path, say, root: parts.findings, text: () => this.current(), chosen: (id) => this.reveal(id) };
  }

  /** Whatever else is needed from the server; asked for at the same time as the file. */
  async load() {}

  /** Makes what draws, before it has anything to draw. */
  async make() {}

  /** The file is drawn. */
  async opened() {}

  /** Brings what has this id before the person's eyes. */
  reveal() {}

  changed() {
    this.keeper.changed();
    this.findings.soon();
  }

  /** The file's text as it is drawn now. */
  current() {
    return this.narrow ? Promise.resolve(this.begun.text) : this.keeper.current();
  }

  async start() {
    this.root = document.getElementById('studio');
    const { procedure, path, locale = 'zh', base, csrf, text } = this.root.dataset;
    const say = wordsOf(locale, this.words);
    Object.assign(this, { procedure, path, base, token: csrf, asText: text, say, server: new Server(base, csrf, say), narrow: matchMedia(NARROW).matches });
    this.root.classList.toggle('is-narrow', this.narrow);
    this.frame();
    fill(this.root);
    const forbidden = new Set();
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => forbidden.add(effectiveDirective));
    try {
      await this.begin();
    } catch (error) {
      // what a policy forbids is told a moment after it failed
      await new Promise((told) => setTimeout(told, 50));
      const policy = 'Something between your browser and this server forbids what this page needs (Content-Security-Policy: {directives}). Whoever keeps it must let the policy of this server through unchanged.';
      const reason = forbidden.size ? say(policy, { directives: [...forbidden].join(', ') }) : error.message;
      if (error instanceof Unreachable) addEventListener('online', () => location.reload(), { once: true });
      this.cannot(this.says.failed, reason, [location.href, 'Try again'], [this.asText, 'Open it as text']);
      // the text of the error belongs in the console, for whoever is asked for help
      console.error(error);
    }
  }

  async begin() {
    const { server, path, say, narrow, root } = this;
    this.bar = this.head();
    this.findings = this.list();
    // all at once; whatever is slow, the file is drawn as soon as it is there
    const [{ me, files }, there] = await Promise.all([server.draft(), server.read(path), this.load()]);
    Object.assign(this, { me, files });
    this.keeper = keeping(this, path, () => this.written());
    this.begun = await this.keeper.begin(there, narrow);
    await this.make();
    try {
      await this.open(this.begun.text);
    } catch (error) {
      this.cannot(this.says.unreadable, error.message, [this.asText, 'Open it as text']);
      return;
    }
    if (narrow) this.bar.look(say(this.says.narrow));
    else {
      watchful(this.keeper);
      others(this);
    }
    await this.opened();
    this.findings.soon(0);
    const wanted = decodeURIComponent(location.hash.slice(1));
    if (wanted) await this.reveal(wanted);
    root.studio = this;
    root.dataset.ready = 'yes';
  }

  /** In place of the drawing: what is the matter, and where one can go from here, `[address, label]` each. */
  cannot(title, reason, ...ways) {
    const { say } = this;
    const links = ways.map(([address, label]) => h('a', { class: 'btn', href: address }, say(label)));
    this.parts.canvas.replaceChildren(h('div', { class: 'studio-broken' }, h('h2', {}, say(title)), h('p', {}, reason), h('p', { class: 'studio-answers' }, ...links)));
  }
}
