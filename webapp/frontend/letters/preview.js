// The letter as it will be printed: pages as pictures, made by what prints it in a case.
import { h, icon } from '../page/elements.js';

const WAIT = 350;

export class Preview {
  /**
   * `text` gives the letter as it is now; `sources` are what it can be filled with: `[{ name, of: [[value, label]] }]`, at first with `source`;
   * `known` hears which names there are with what was chosen.
   */
  constructor(root, { server, path, say, text, sources, source, known }) {
    Object.assign(this, { server, path, say, text, known });
    this.source = h(
      'select',
      { class: 'form-select', onchange: () => void this.show() },
      h('option', { value: '' }, say('Without data')),
      ...sources.filter(({ of }) => of.length).map(({ name, of }) => h('optgroup', { label: name }, ...of.map(([value, label]) => h('option', { value }, label)))),
    );
    this.source.value = source;
    this.failed = false;
    server.addEventListener('back', () => this.failed && this.soon(0));
    this.problems = h('ul', { class: 'letter-problems', hidden: true });
    this.pages = h('div', { class: 'letter-pages', 'data-busy': say('Printing …') });
    root.append(h('label', { class: 'letter-field letter-source' }, h('span', {}, say('Filled with')), this.source), this.problems, this.pages);
  }

  soon(wait = WAIT) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.show(), wait);
  }

  /** Shows what is written now. Printing takes a moment: what is written meanwhile is shown after that, and nothing is printed twice at once. */
  async show() {
    clearTimeout(this.timer);
    if (this.printing) {
      this.again = true;
      return;
    }
    this.printing = true;
    this.pages.setAttribute('aria-busy', 'true');
    do {
      this.again = false;
      await this.print();
    } while (this.again);
    this.printing = false;
    this.pages.removeAttribute('aria-busy');
  }

  async print() {
    try {
      const body = JSON.stringify({ path: this.path, text: await this.text(), source: this.source.value });
      const { pages, problems, names } = await this.server.json('letters/pages', { method: 'POST', body });
      this.failed = false;
      this.known(names);
      this.tell(problems);
      if (pages.length) this.pages.replaceChildren(...pages.map((src, at) => h('img', { src, alt: this.say('Page {n}', { n: at + 1 }) })));
      // what was seen last stays, less bright: most often the next letter typed makes it whole again
      this.pages.classList.toggle('is-old', !pages.length);
    } catch (error) {
      this.failed = true;
      this.tell([error.message]);
      this.pages.classList.add('is-old');
    }
  }

  tell(problems) {
    this.problems.hidden = !problems.length;
    this.problems.replaceChildren(...problems.map((each) => h('li', {}, icon('alert-triangle'), h('span', {}, each))));
  }
}
