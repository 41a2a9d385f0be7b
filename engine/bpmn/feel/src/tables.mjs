// Decision tables (OMG DMN 1.5, chapter 8): which rules apply, and what the hit policy makes of their results.
import { equals } from 'feelin';
import { program } from './programs.mjs';
import { describe, Failure, shown } from './values.mjs';

const LISTS = new Set(['COLLECT', 'RULE ORDER', 'OUTPUT ORDER']);

const one = (text) => program(text, false, {}).run;
const FEEL = {
  SUM: one('sum(l)'),
  MIN: one('min(l)'),
  MAX: one('max(l)'),
};
const equal = (a, b) => equals(a, b) === true;

/** How tables are compiled, `table(e, names)`, with how a text becomes a closure, a value fits its type, and a finding is kept. */
export function tables({ text, fit, find }) {
  return function table(e, names) {
    const cells = { ...names, '?': null };
    const test = (source, element) => (source === null || ['', '-'].includes(source.trim()) ? null : text(source, element, cells, true));
    for (const input of e.inputs) if (!input.text?.trim()) find(input.id, 'this column has no expression');
    const inputs = e.inputs.map((input) => ({ ...input, value: text(input.text, input.id, names), allows: test(input.allowed, input.id) }));
    const outputs = e.outputs.map((output) => ({
      ...output,
      allows: test(output.allowed, output.id),
      order: output.allowed === null ? null : text(`[${output.allowed}]`, output.id, names),
      standard: output.standard === null ? null : text(output.standard, output.id, names),
    }));
    const rules = e.rules.map((rule) => ({
      ...rule,
      tests: rule.tests.map((source) => test(source, rule.id)),
      results: rule.results.map((source) => text(source, rule.id, names)),
    }));
    if (['PRIORITY', 'OUTPUT ORDER'].includes(e.policy) && !outputs.some(({ order }) => order))
      find(e.id, `the hit policy ${e.policy} needs the output values in their order`);

    const name = ({ row, id }) => `${row} (${id})`;
    const pack = (values) => (outputs.length === 1 ? values[0] : Object.fromEntries(outputs.map((output, i) => [output.name, values[i]])));
    const clash = (hits, why) => {
      throw new Failure(`rules ${hits.map(name).join(', ')} apply at once, ${why}`, e.id);
    };

    function results(rule, scope) {
      return outputs.map((output, i) => {
        const value = fit(rule.results[i](scope), output.type, `the result of rule ${name(rule)}`, rule.id);
        if (value !== null && output.allows && output.allows({ ...scope, '?': value }) !== true)
          throw new Failure(`the result of rule ${name(rule)} is ${describe(value)}, which is not one of ${output.allowed}`, rule.id);
        return value;
      });
    }

    function byOrder(rows, scope) {
      const orders = outputs.map(({ order }) => (order ? order(scope) : []));
      const rank = (row) => row.map((value, i) => (orders[i].findIndex((x) => equal(x, value)) + 1 || Infinity));
      return rows
        .map((row) => ({ row, rank: rank(row) }))
        .sort((a, b) => a.rank.reduce((found, r, i) => found || (r === b.rank[i] ? 0 : r - b.rank[i]), 0))
        .map(({ row }) => row);
    }

    function nothing(scope) {
      if (outputs.some(({ standard }) => standard)) return pack(outputs.map(({ standard }) => standard?.(scope) ?? null));
      if (e.aggregation === 'COUNT') return 0;
      return LISTS.has(e.policy) && !e.aggregation ? [] : null;
    }

    function answer(hits, scope) {
      const policy = e.policy;
      if (policy === 'UNIQUE' && hits.length > 1) clash(hits, 'but the hit policy UNIQUE allows one');
      if (policy === 'FIRST' || policy === 'UNIQUE') return pack(results(hits[0], scope));
      const rows = hits.map((rule) => results(rule, scope));
      if (policy === 'ANY') {
        const other = rows.findIndex((row) => !equal(pack(row), pack(rows[0])));
        if (other > 0) clash([hits[0], hits[other]], 'with different results, but the hit policy ANY needs equal ones');
        return pack(rows[0]);
      }
      if (policy === 'PRIORITY') return pack(byOrder(rows, scope)[0]);
      if (policy === 'OUTPUT ORDER') return byOrder(rows, scope).map(pack);
      if (!e.aggregation) return rows.map(pack);
      if (e.aggregation === 'COUNT') return rows.length;
      return pack(outputs.map((_, i) => FEEL[e.aggregation]({ l: rows.map((row) => row[i]) })));
    }

    return (scope, trace) => {
      const values = inputs.map(({ value, type, text: source, id }) => fit(value(scope), type, `"${source}"`, id, true));
      if (trace) trace.inputs = Object.fromEntries(inputs.map(({ text: source }, i) => [source, shown(values[i])]));
      const scopes = values.map((value) => ({ ...scope, '?': value }));
      inputs.forEach(({ allows, allowed, text: source, id }, i) => {
        if (allows && values[i] !== null && allows(scopes[i]) !== true)
          throw new Failure(`"${source}" is ${describe(values[i])}, which is not one of ${allowed}`, id, true);
      });
      const hits = [];
      for (const rule of rules) {
        if (!rule.tests.every((cell, i) => cell === null || cell(scopes[i]) === true)) continue;
        hits.push(rule);
        if (e.policy === 'FIRST') break;
      }
      if (trace) trace.matched = hits.map(({ id }) => id);
      return hits.length ? answer(hits, scope) : nothing(scope);
    };
  };
}
