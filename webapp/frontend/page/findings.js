// What the server's check says of what is drawn: a list, and the names that exist.
import { button, h, icon } from './elements.js';

const WAIT = 400;
const SEVERITIES = ['error', 'warning', 'note'];
export const ICONS = { error: 'circle-x', warning: 'alert-triangle', note: 'info-circle' };

export class Findings {
  constructor({ server, path, text, say, root, chosen }) {
    Object.assign(this, { server, path, text, say, chosen, found: [], known: { sets: [], at: {} } });
    this.counts = h('span', { class: 'studio-counts' });
    this.head = button({ class: 'studio-findings-head', 'aria-expanded': 'false', onclick: () => this.open(this.list.hidden) }, say('Findings'), this.counts, icon('chevron-down'));
    this.list = h('ul', { class: 'studio-findings-list', hidden: true, 'aria-label': say('Findings') });
    root.append(this.head, this.list);
    this.ready = Promise.resolve();
    this.failed = false;
    server.addEventListener('back', () => this.failed && this.soon(0));
  }

  open(yes) {
    this.list.hidden = !yes;
    this.head.setAttribute('aria-expanded', String(yes));
  }

  soon(wait = WAIT) {
    clearTimeout(this.timer);
    this.ready = this.waiting ??= new Promise((done) => (this.done = done));
    this.timer = setTimeout(() => void this.check(), wait);
  }

  /** `{ sets, at }` once the check of what is drawn now has answered. */
  async names() {
    await this.ready;
    return this.known;
  }

  async check() {
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    try {
      const answer = await this.server.check({ [this.path]: await this.text() }, asked.signal);
      if (asked.signal.aborted) return;
      this.known = answer.names;
      this.found = [...(answer.findings[this.path] ?? [])].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
      this.failed = false;
      this.show();
    } catch (error) {
      if (asked.signal.aborted) return;
      this.failed = true;
      this.counts.replaceChildren(h('span', { class: 'studio-count' }, this.say('could not be asked')));
    }
    this.done?.();
    this.waiting = this.done = null;
  }

  show() {
    const number = (severity) => this.found.filter((each) => each.severity === severity).length;
    const said = { error: '{n} errors', warning: '{n} warnings', note: '{n} notes' };
    const counts = SEVERITIES.filter(number).map((each) =>
      h('span', { class: `studio-count is-${each}` }, icon(ICONS[each]), this.say(said[each], { n: number(each) })),
    );
    this.counts.replaceChildren(...(counts.length ? counts : [h('span', { class: 'studio-count is-fine' }, icon('circle-check'), this.say('nothing found'))]));
    this.list.replaceChildren(...this.found.map((each) => this.item(each)));
  }

  item(finding) {
    return h(
      'li',
      {},
      button(
        { class: `studio-finding is-${finding.severity}`, onclick: () => this.choose(finding), 'data-code': finding.code },
        icon(ICONS[finding.severity]),
        h('span', { class: 'visually-hidden' }, this.say(finding.severity)),
        h('strong', {}, this.place(finding)),
        h('span', {}, finding.message),
      ),
    );
  }

  /** What people call the place it speaks of. */
  place({ name, element, line }) {
    return name || element || (line ? this.say('line {n}', { n: line }) : this.say('the whole file'));
  }

  /** Brings the place that a finding speaks of before the person's eyes. */
  choose({ element }) {
    if (element) this.chosen(element);
  }
}
