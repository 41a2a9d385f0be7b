// The letter as it will be printed: pages as pictures, made by what prints it in a case.
import { h, icon } from '../page/elements.js';

const WAIT = 350;

export class Preview {
  /** `text` gives the letter as it is now. */
  constructor(root, { server, say, text }) {
    Object.assign(this, { server, say, text });
    this.problems = h('ul', { class: 'letter-problems', hidden: true });
    this.pages = h('div', { class: 'letter-pages' });
    root.append(this.problems, this.pages);
  }

  soon(wait = WAIT) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.show(), wait);
  }

  async show() {
    clearTimeout(this.timer);
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    this.pages.setAttribute('aria-busy', 'true');
    try {
      const body = JSON.stringify({ text: await this.text() });
      const { pages, problems } = await this.server.json('letters/pages', { method: 'POST', body, signal: asked.signal });
      if (asked.signal.aborted) return;
      this.tell(problems);
      if (pages.length) this.pages.replaceChildren(...pages.map((src, at) => h('img', { src, alt: this.say('Page {n}', { n: at + 1 }) })));
      // what was seen last stays, less bright: most often the next letter typed makes it whole again
      this.pages.classList.toggle('is-old', !pages.length);
    } catch (error) {
      if (asked.signal.aborted) return;
      this.tell([error.message]);
      this.pages.classList.add('is-old');
    }
    this.pages.removeAttribute('aria-busy');
  }

  tell(problems) {
    this.problems.hidden = !problems.length;
    this.problems.replaceChildren(...problems.map((each) => h('li', {}, icon('alert-triangle'), h('span', {}, each))));
  }
}
