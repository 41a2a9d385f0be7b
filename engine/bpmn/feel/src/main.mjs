// What Python calls. Everything crosses as text; an answer that begins with 'z' asks for the time zone table named after it.
import { addZone, withZones } from './zones.mjs'; // first: feelin asks for Intl when it is loaded
import { declared } from 'feelin';
import { compile } from './decisions.mjs';
import './functions.mjs';
import { program } from './programs.mjs';
import { form } from './shapes.mjs';
import { nest, study, unknown } from './study.mjs';
import { Failure, plain, setClock } from './values.mjs';

// The texts of one diagram see the same names, one after the other.
const last = { json: '', names: null };
function namesOf(json) {
  if (last.json !== json) Object.assign(last, { json, names: nest(JSON.parse(json)) });
  return last.names;
}
const programs = [];
const models = new Map();

const failed = (error) => {
  if (error instanceof Failure) return { failed: error.message, element: error.element, decision: error.decision, input: error.input };
  throw error;
};

const SHORT = new Map([[true, 't'], [false, 'f'], [null, 'n']]); // prettier-ignore

globalThis.partwell = {
  zone(name, table) {
    addZone(name, JSON.parse(table));
  },
  /** complete: other names than `names` do not exist. */
  study(text, unary, names, complete) {
    const found = study(text, unary, namesOf(names));
    if (complete && !found.problems.length) found.problems.push(...unknown(found, namesOf(names)));
    return JSON.stringify({ problems: found.problems, money: found.money, uses: [...found.uses], timed: found.timed });
  },
  /** What `shapes.mjs` tells of an expression; null of one that cannot be read, too. */
  form(text, names) {
    const found = study(text, false, namesOf(names));
    return JSON.stringify(found.problems.length ? null : form(found.tree, text));
  },
  compile: (text, unary, names) => programs.push(program(text, unary, namesOf(names))) - 1,
  /** 't', 'f', 'n', or JSON: { value, complaints } or { failed }. */
  run: (number, data, now) =>
    withZones(() => {
      const { run, complaints } = programs[number];
      setClock(now);
      declared.type = null;
      let found = [];
      try {
        const value = run(JSON.parse(data));
        found = complaints();
        const short = found.length ? undefined : SHORT.get(value);
        return short ?? JSON.stringify({ value: plain(value), complaints: found });
      } catch (error) {
        return JSON.stringify({ ...failed(error), complaints: found });
      }
    }),
  load(key, json) {
    const model = compile(JSON.parse(json), null);
    models.set(key, model);
    return JSON.stringify({ uses: model.uses, timed: model.timed, size: model.size });
  },
  /** { findings, money } of a model; `names` is JSON of the dotted names of variables that exist, or of null. */
  inspect(json, names) {
    const known = JSON.parse(names);
    const { findings, money } = compile(JSON.parse(json), known && nest(known));
    return JSON.stringify({ findings, money });
  },
  decide: (key, id, data, now) =>
    withZones(() => {
      setClock(now);
      try {
        return JSON.stringify(models.get(key).decide(id, JSON.parse(data)));
      } catch (error) {
        return JSON.stringify(failed(error));
      }
    }),
};
