// What the server finds in a table without running it: rules that apply at once, inputs to which none does, rules never reached.
import { button, h, icon } from '../page/elements.js';

const WAIT = 600;

export class Analysis {
  constructor(root, { server, path, say, text, rows, chosen, shown }) {
    Object.assign(this, { server, path, say, text, rows, chosen, shown, tables: null });
    this.box = h('section', { class: 'studio-analysis' });
    root.append(this.box);
    server.addEventListener('back', () => this.failed && this.soon(0));
    void server.matched().then(
      (matched) => (Object.assign(this, { matched }), this.show()),
      () => {}, // without it the rest is told
    );
  }

  soon(wait = WAIT) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), wait);
  }

  async ask() {
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    try {
      const found = await this.server.tables(this.path, await this.text(), this.rows()?.sent(), asked.signal);
      if (asked.signal.aborted) return;
      Object.assign(this, { tables: found.tables, failed: null });
      this.rows()?.told(found);
    } catch (error) {
      if (asked.signal.aborted) return;
      this.failed = error.message;
    }
    this.show();
  }

  show() {
    const { say } = this;
    const table = this.tables?.find(({ decision }) => decision === this.shown());
    const found = this.failed
      ? [h('p', { class: 'studio-note' }, say('The analysis has no answer: {reason}', { reason: this.failed }))]
      : table
        ? this.of(table)
        : [h('p', { class: 'studio-note' }, say(this.tables ? 'Only decision tables are analysed. Open one above.' : 'Analysing …'))];
    this.box.replaceChildren(h('h2', {}, say('Analysis')), ...found);
  }

  of(table) {
    const { say } = this;
    const rule = (number) => button({ class: 'studio-rule', onclick: () => this.chosen(table.rules[number - 1]) }, say('Rule {n}', { n: number }));
    const input = (text) => h('code', {}, text || say('any input'));
    const items = [
      ...table.together.map(({ rules, example }) => this.item('alert-triangle', 'warning', say(table.policy === 'UNIQUE' ? 'Apply at once' : 'Apply at once with different results'), ...rules.map(rule), input(example))),
      ...table.shadowed.map((number) => this.item('alert-triangle', 'warning', say('Never reached: earlier rules take all of it'), rule(number))),
      ...table.never.map((number) => this.item('alert-triangle', 'warning', say('Can never apply'), rule(number))),
      ...table.gaps.map(({ example, unusual }) => this.item(unusual ? 'info-circle' : 'alert-triangle', unusual ? 'note' : 'warning', say('No rule applies to'), input(example))),
    ];
    const fine = !items.length && table.complete ? [this.item('circle-check', 'fine', say('No overlap, no gap, no rule that is never reached.'))] : [];
    const untested = table.untested?.length ? [this.item('info-circle', 'note', say('No test row reaches'), ...table.untested.map(rule))] : [];
    return [
      h('ul', {}, ...fine, ...items, ...untested, ...this.unused(table, rule)),
      table.complete ? null : h('p', { class: 'studio-note' }, say('The table is too large, or asks the same twice: it was not gone through completely.')),
      table.unread.length
        ? h(
            'details',
            {},
            h('summary', {}, say('{n} cells cannot be told without running them', { n: table.unread.length })),
            h('ul', {}, ...table.unread.map(({ rule: number, input: column, cell }) => h('li', {}, rule(number), ' ', h('code', {}, `${column}: ${cell}`)))),
          )
        : null,
    ].filter(Boolean);
  }

  /** Rules of a table that was asked in the last months, but never they. */
  unused(table, rule) {
    const { say, matched } = this;
    const counts = matched?.rules[table.decision];
    if (!counts) return [];
    const numbers = table.rules.flatMap((id, at) => (counts[id] ? [] : [at + 1]));
    const about = { days: matched.days, cases: matched.cases };
    return numbers.length ? [this.item('history', 'note', say('Never applied in {cases} cases of the last {days} days', about), ...numbers.map(rule))] : [];
  }

  item(drawn, severity, text, ...rest) {
    return h('li', { class: `is-${severity}` }, icon(drawn), h('span', {}, text, ...rest.flatMap((each) => [' ', each])));
  }
}
