// Types that a decision model declares (OMG DMN 1.5, 7.3.3 and 10.3.2.9.4).
import { duration, FeelDuration, getType, parseDate, parseDateTime, parseTime, wrapFunction } from 'feelin';
import { normalizeContextKey } from 'lezer-feel';
import { program } from './programs.mjs';

const midnight = program('date and time(d, time("00:00:00Z"))', false, {}).run;

const SPELLINGS = {
  integer: 'number', long: 'number', double: 'number', decimal: 'number',
  dateTime: 'date and time', dayTimeDuration: 'days and time duration', yearMonthDuration: 'years and months duration',
}; // prettier-ignore
const isDuration = (months) => (value) => value instanceof FeelDuration && value.yearsMonths === months;
const is = (type) => (value) => getType(value) === type;
const BASIC = {
  number: is('number'), string: is('string'), boolean: is('boolean'), context: is('context'), list: is('list'),
  function: is('function'), date: is('date'), time: is('time'), 'date and time': is('date time'),
  'days and time duration': isDuration(false), 'years and months duration': isDuration(true),
}; // prettier-ignore
const READERS = {
  date: parseDate, time: parseTime, 'date and time': parseDateTime,
  'days and time duration': duration, 'years and months duration': duration,
}; // prettier-ignore

/** Stands for a value that is not of the type. */
export const MISFIT = Symbol('misfit');

/**
 * `fit(value, name, data)` gives the value as the named type, or MISFIT; with `data`, text is read as a date, time or duration.
 * `instances(file)(name)` gives a predicate for `instance of`, undefined for a name that no item definition has.
 * `resultOf(name)` gives the type that a function of the type answers with. `names(name)` gives the names below a value of the type, for reading expressions.
 */
export function typeSystem(definitions) {
  const allowed = new Map();
  Object.setPrototypeOf(definitions, null);
  const named = (name) => definitions[name] ?? definitions[name.replace(/^[^:]*:/, '')];
  const basic = (name) => SPELLINGS[name.replace(/^[^:]*:/, '')] ?? name.replace(/^[^:]*:/, '');

  function fit(value, name, data = false) {
    if (!name || value === null || value === undefined) return value ?? null;
    const definition = named(name);
    if (definition) return fitDefinition(value, definition, data);
    const base = basic(name);
    const check = Object.hasOwn(BASIC, base) && BASIC[base];
    if (!check) return value;
    if (Array.isArray(value) && value.length === 1 && base !== 'list') value = value[0];
    if (value === null || check(value)) return value;
    if (data && typeof value === 'string' && base in READERS) {
      const read = READERS[base](value);
      if (read && check(read)) return read;
    }
    if (base === 'date and time' && BASIC.date(value)) return midnight({ d: value });
    return MISFIT;
  }
  function fitDefinition(value, definition, data) {
    if (value === null) return null;
    if (definition.function) return wrapFunction(value) ?? MISFIT;
    if (definition.list) {
      const items = (Array.isArray(value) ? value : [value]).map((item) => fitItem(item, definition, data));
      return items.includes(MISFIT) ? MISFIT : items;
    }
    if (Array.isArray(value) && value.length === 1 && !isList(definition)) value = value[0];
    return fitItem(value, definition, data);
  }
  function fitItem(value, definition, data) {
    if (value === null) return null;
    if (definition.parts) {
      if (getType(value) !== 'context') return MISFIT;
      const whole = { ...value };
      for (const part of definition.parts) {
        if (!Object.hasOwn(value, part.name)) return MISFIT;
        if ((whole[part.name] = fitDefinition(value[part.name], part, data)) === MISFIT) return MISFIT;
      }
      return whole;
    }
    const item = fit(value, definition.base, data);
    if (item === MISFIT || !definition.allowed) return item;
    if (!allowed.has(definition)) allowed.set(definition, program(definition.allowed, true, {}));
    return allowed.get(definition).run({ '?': item }) === true ? item : MISFIT;
  }
  const isList = ({ list, base }) => list || base === 'list' || (base && named(base) ? isList(named(base)) : false);

  // Nothing is converted here, and allowed values do not count (10.3.2.9.4): 1 is no instance of a list of numbers, 7 one of a grade.
  function isInstance(value, { list, parts, base, function: callable }) {
    if (value === null) return false;
    if (callable) return BASIC.function(value);
    const each = (item) => {
      if (parts) {
        return BASIC.context(item) && parts.every((part) => Object.hasOwn(item, part.name) && (item[part.name] === null || isInstance(item[part.name], part)));
      }
      const definition = base && named(base);
      const check = base && BASIC[basic(base)];
      return definition ? isInstance(item, definition) : check ? check(item) : true;
    };
    return list ? BASIC.list(value) && value.every(each) : each(value);
  }
  const instances = ({ prefix, imports }) => (name) => {
    const places = [prefix + name, ...imports.filter(([as]) => as && name.startsWith(as + '.')).map(([as, from]) => from + name.slice(as.length + 1))];
    const found = places.find((place) => Object.hasOwn(definitions, place));
    return found === undefined ? undefined : (value) => isInstance(value, definitions[found]);
  };

  /** The type of what a function of the type gives; a type of no function stands for itself. */
  const resultOf = (name) => (name && named(name)?.function ? named(name).gives : name);

  function names(name, depth = 6) {
    const definition = name && depth && named(name);
    return definition ? partNames(definition, depth) : null;
  }
  const partNames = ({ parts, base }, depth) =>
    parts ? Object.fromEntries(parts.map((part) => [normalizeContextKey(part.name), partNames(part, depth - 1)])) : names(base, depth - 1);

  return { fit, instances, names, resultOf };
}
