// DMN on top of FEEL (OMG DMN 1.5, chapters 7, 8 and 10.3). A model is compiled to closures once: each takes a scope, an object
// of values by name, and gives a value. What the standard answers with null although the author made a mistake is a Failure here.
import { declared, FeelFunction, getType, wrapFunction } from 'feelin';
import { normalizeContextKey } from 'lezer-feel';
import { study, unknown } from './study.mjs';
import { program } from './programs.mjs';
import { tables } from './tables.mjs';
import { MISFIT, typeSystem } from './types.mjs';
import { describe, Failure, plain, shown } from './values.mjs';

const MISTAKES = new Set(['NO_VARIABLE_FOUND', 'NO_CONTEXT_ENTRY_FOUND', 'NO_PROPERTY_FOUND', 'NO_FUNCTION_FOUND', 'FUNCTION_INVOCATION_FAILURE', 'UNSUPPORTED']);

// --- models

/** Compiles `model` (see dmn.py); `data` are the names of variables known to exist (nested), or null. */
export function compile(model, data) {
  const types = typeSystem(model.types);
  const findings = [];
  const money = [];
  const uses = new Set();
  let timed = false;
  let size = 0;
  let file = model.files[0]; // of the node that is being compiled
  const find = (element, message) => findings.push([element, message]);
  const all = (names) => (data === null ? names : { ...data, ...names });

  /** The study of a text; the cells of a table see the same names, and many of them say the same. */
  const studies = new Map();
  function studied(source, unary, names) {
    if (!studies.has(names)) studies.set(names, { seen: all(names), true: new Map(), false: new Map() });
    const { seen, [unary]: known } = studies.get(names);
    if (!known.has(source)) known.set(source, study(source, unary, seen));
    return { seen, known: known.get(source) };
  }

  /** A text as a closure; a mistake in it becomes a finding now and a Failure when it is reached. */
  function text(source, element, names, unary = false) {
    const instances = types.instances(file);
    if (source === null || source.trim() === '') return () => null;
    const { seen, known } = studied(source, unary, names);
    let compiled;
    try {
      compiled = program(source, unary, seen, known);
    } catch (error) {
      find(element, `"${source}": ${error.message}`);
      return () => {
        throw new Failure(`"${source}" cannot be read: ${error.message}`, element);
      };
    }
    size += 1;
    timed ||= compiled.study.timed;
    for (const name of compiled.study.money) money.push([element, name]);
    for (const name of compiled.study.uses) if (!Object.hasOwn(names, name)) uses.add(name);
    if (data !== null) for (const { message } of unknown(compiled.study, seen)) find(element, `"${source}": ${message}`);
    return (scope) => {
      const outer = declared.type; // of the expression that calls this one, perhaps of another file
      declared.type = instances;
      const value = compiled.run(scope);
      declared.type = outer;
      const mistake = compiled.complaints().find(({ type }) => MISTAKES.has(type));
      if (mistake) throw new Failure(`"${source}": ${mistake.message}`, element, mistake.type === 'NO_VARIABLE_FOUND');
      return value;
    };
  }

  function fit(value, type, what, element, isData = false) {
    const fitting = types.fit(value, type, isData);
    if (fitting === MISFIT) throw new Failure(`${what} is ${describe(value)}, which is not of the declared type ${type.replace(/^.*#/, '')}`, element, isData);
    return fitting;
  }

  function callable(parameters, body) {
    const call = (...values) => {
      const absent = parameters.find((_, i) => values[i] === undefined);
      if (absent) throw new Failure(`the parameter "${absent.name}" is missing in a call`);
      return body(Object.fromEntries(parameters.map(({ name, type }, i) => [name, fit(values[i] ?? null, type, `the parameter "${name}"`)])));
    };
    return new FeelFunction(call, parameters.map(({ name }) => name));
  }

  const parameterNames = (parameters) => Object.fromEntries(parameters.map(({ name, type }) => [normalizeContextKey(name), types.names(type)]));

  /** A boxed expression (10.2.2) as a closure. */
  function expression(e, names) {
    if (e === null) return () => null;
    const make = boxed[e.kind];
    const run = make(e, names);
    return e.type ? (scope, trace) => fit(run(scope, trace), e.type, 'the result', e.id) : run;
  }

  const boxed = {
    text: (e, names) => text(e.text, e.id, names),
    list(e, names) {
      const items = e.items.map((item) => expression(item, names));
      return (scope) => items.map((item) => item(scope));
    },
    relation(e, names) {
      const rows = e.rows.map((row) => row.map((cell) => expression(cell, names)));
      return (scope) => rows.map((row) => Object.fromEntries(row.map((cell, i) => [e.columns[i], cell(scope)])));
    },
    context(e, names) {
      let inner = names;
      const entries = e.entries.map((entry) => {
        const value = expression(entry.value, inner);
        if (entry.name !== null) inner = { ...inner, [normalizeContextKey(entry.name)]: types.names(entry.type) };
        return { ...entry, value };
      });
      return (scope) => {
        const local = { ...scope };
        const whole = {};
        for (const { name, type, value } of entries) {
          const result = fit(value(local), type, `"${name ?? 'the result'}"`, e.id);
          if (name === null) return result;
          whole[name] = local[name] = result;
        }
        return whole;
      };
    },
    function(e, names) {
      if (e.language !== 'FEEL') {
        find(e.id, `functions in ${e.language} are not run; write it in FEEL`);
        return () => null;
      }
      const body = expression(e.body, { ...names, ...parameterNames(e.parameters) });
      return (scope) => callable(e.parameters, (values) => body({ ...scope, ...values }));
    },
    call(e, names) {
      const callee = expression(e.callee, names);
      const bindings = e.bindings.map((binding) => ({ ...binding, value: expression(binding.value, names) }));
      return (scope) => {
        const called = wrapFunction(callee(scope));
        if (!called) throw new Failure('what is invoked is not a function', e.id);
        const values = Object.fromEntries(bindings.map(({ name, type, value }) => [name, fit(value(scope), type, `"${name}"`, e.id)]));
        const surplus = Object.keys(values).find((name) => !called.parameterNames.includes(name));
        if (surplus !== undefined) throw new Failure(`the function invoked has no parameter "${surplus}"`, e.id);
        return called.invoke(values) ?? null;
      };
    },
    conditional(e, names) {
      const [test, yes, no] = [e.if, e.then, e.else].map((part) => expression(part, names));
      return (scope) => (truth(test(scope), e.id) === true ? yes(scope) : no(scope));
    },
    filter(e, names) {
      const source = expression(e.in, names);
      const test = expression(e.match, { ...names, item: null });
      return (scope) => {
        const list = listOf(source(scope));
        const kept = [];
        for (const item of list) {
          const result = test({ ...scope, ...(getType(item) === 'context' ? item : {}), item });
          if (typeof result === 'number') return list.at(result > 0 ? result - 1 : result) ?? null;
          if (truth(result, e.id) === true) kept.push(item);
        }
        return kept;
      };
    },
    for(e, names) {
      const source = expression(e.in, names);
      const each = expression(e.result, { ...names, [normalizeContextKey(e.variable)]: null, partial: null });
      return (scope) => {
        const partial = [];
        for (const item of listOf(source(scope))) partial.push(each({ ...scope, [e.variable]: item, partial: [...partial] }));
        return partial;
      };
    },
    some: (e, names) => quantified(e, names, true),
    every: (e, names) => quantified(e, names, false),
    table: tables({ text, fit, find }),
  };

  // Three-valued as in 10.3.2.13: the deciding answer wins, otherwise anything unknown makes the whole unknown.
  function quantified(e, names, deciding) {
    const source = expression(e.in, names);
    const test = expression(e.result, { ...names, [normalizeContextKey(e.variable)]: null });
    return (scope) => {
      const answers = listOf(source(scope)).map((item) => truth(test({ ...scope, [e.variable]: item }), e.id));
      if (answers.includes(deciding)) return deciding;
      return answers.every((answer) => answer === !deciding) ? !deciding : null;
    };
  }

  // --- requirements (chapter 6): each node as { name, shape, value(run) }, run = { data, memo, trace }

  const nodes = {};

  /** What a node sees of those it requires: `each(id)` by name, imported ones below the name of the import. */
  function seen(needs, each) {
    const scope = {};
    for (const { id, from } of needs) {
      if (from) (scope[from] ??= {})[nodes[id].name] = each(id);
      else scope[nodes[id].name] = each(id);
    }
    return scope;
  }
  const scopeOf = (needs, run) => ({ ...run.data, ...seen(needs, (id) => nodes[id].value(run)) });

  const makers = {
    input(id, { name, type }) {
      if (data !== null && !Object.hasOwn(data, name)) find(id, `there is no variable "${name}", which this decision needs`);
      uses.add(name);
      return {
        value({ data }) {
          if (!Object.hasOwn(data, name)) throw new Failure(`the input "${name}" is missing`, id, true);
          return fit(data[name], type, `the input "${name}"`, id, true);
        },
      };
    },
    decision(id, { name, type, needs, body }, names) {
      const result = expression(body, names);
      return {
        value(run) {
          if (run.memo.has(id)) return run.memo.get(id);
          if (body === null) throw Object.assign(new Failure('it has no logic', id), { decision: name });
          const trace = { decision: id.replace(/^.*#/, ''), name };
          let value;
          try {
            value = fit(result(scopeOf(needs, run), trace), type, 'the result', id);
          } catch (error) {
            if (error instanceof Failure) error.decision ??= name;
            throw error;
          }
          run.trace.push({ ...trace, value: shown(value) });
          run.memo.set(id, value);
          return value;
        },
      };
    },
    knowledge(id, { name, needs, body }, names) {
      const own = expression(body, { ...names, [normalizeContextKey(name)]: null });
      return {
        value(run) {
          // A function may call itself.
          const scope = scopeOf(needs.filter((need) => need.id !== id), run);
          return (scope[name] = own(scope));
        },
      };
    },
    service(id, { name, type, parameters, results }) {
      for (const parameter of parameters) uses.add(nodes[parameter].name);
      function run(data, trace) {
        const memo = new Map(parameters.filter((p) => model.nodes[p].kind === 'decision').map((p) => [p, data[nodes[p].name]]));
        const inner = { data, memo, trace };
        const answers = results.map((r) => [nodes[r].name, nodes[r].value(inner)]);
        return fit(answers.length === 1 ? answers[0][1] : Object.fromEntries(answers), types.resultOf(type), 'the result', id);
      }
      return {
        value: ({ trace }) => callable(parameters.map((p) => nodes[p]), (values) => run(values, trace)),
        answer({ data, trace }) {
          const given = parameters.map((p) => {
            const { name: wanted, type } = nodes[p];
            if (!Object.hasOwn(data, wanted)) throw new Failure(`the input "${wanted}" is missing`, id, true);
            return [wanted, fit(data[wanted], type, `the input "${wanted}"`, id, true)];
          });
          const value = run(Object.fromEntries(given), trace);
          trace.push({ decision: id, name, value: shown(value) });
          return value;
        },
      };
    },
  };

  for (const id of model.order) {
    const node = model.nodes[id];
    file = model.files[node.file];
    const names = {};
    for (const [top, shape] of Object.entries(seen(node.needs.filter((need) => need.id !== id), (need) => nodes[need].shape))) {
      const imported = node.needs.some(({ from }) => from === top);
      names[normalizeContextKey(top)] = imported
        ? Object.fromEntries(Object.entries(shape).map(([name, below]) => [normalizeContextKey(name), below]))
        : shape;
    }
    nodes[id] = { name: node.name, type: node.type, shape: types.names(node.type), ...makers[node.kind](id, node, names) };
  }

  return {
    findings,
    money,
    uses: [...uses],
    timed,
    size,
    decide(id, data) {
      const run = { data, memo: new Map(), trace: [] };
      declared.type = null;
      const { value, answer } = nodes[id];
      return { value: plain((answer ?? value)(run)), trace: run.trace };
    },
  };
}

/** `value`, which must be true, false or null. */
function truth(value, element) {
  if (value === null || typeof value === 'boolean') return value;
  throw new Failure(`a condition must be true or false, but it gave: ${describe(value)}`, element);
}

const listOf = (value) => {
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  return getType(value) === 'range' ? value.map((item) => item) : [value];
};
