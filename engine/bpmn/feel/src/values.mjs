// FEEL values from and to JSON, and the functions that Partwell adds to FEEL.
import { builtins, FeelDate, FeelDateTime, FeelDuration, FeelTime, getType, invalidArguments, isFunction, isRange, parseDate, parseDateTime } from 'feelin';

/** Something a person must repair; its message is shown. `input`: it is in the data, not in the decision. */
export class Failure extends Error {
  constructor(message, element = null, input = false) {
    super(message);
    this.element = element;
    this.input = input;
  }
}

/** `value` as JSON: dates, times and durations as ISO 8601 text. Throws Failure for what JSON cannot hold. */
export function plain(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Failure('the result is not a finite number');
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new Failure('the result is a whole number too large to be exact');
    return value;
  }
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof FeelDateTime) return instant(value);
  if (value instanceof FeelDate || value instanceof FeelTime || value instanceof FeelDuration) return value.iso;
  if (isFunction(value) || typeof value === 'function') throw new Failure('the result is a function, which cannot be kept');
  if (isRange(value)) throw new Failure('the result is a range, which cannot be kept');
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new Failure('the result cannot be kept as JSON');
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}

// FEEL writes a named zone as @Asia/Shanghai, ISO 8601 as the offset it has at that moment.
const instant = (value) =>
  value.iso.includes('@') ? value.unwrap().toZonedDateTime(value.timezone).toString({ timeZoneName: 'never' }) : value.iso;

let clock = null;

/** Sets what now() and today() answer: local time with its zone, such as 2026-11-24T18:00:00@Asia/Shanghai; '' for nothing. */
export const setClock = (text) => (clock = text);

function time() {
  if (!clock) throw new Failure('now() and today() have no answer here, because no time was given');
  return clock;
}

const add = (name, parameters, answer) => (builtins[name] = Object.assign(answer, { $args: parameters }));

add('now', [], () => parseDateTime(time()));
add('today', [], () => parseDate(time().slice(0, 10)));
add('yuan', ['n'], (n) => {
  const fen = Math.round(n * 100);
  return typeof n === 'number' && Math.abs(n * 100 - fen) < 1e-6 ? fen : invalidArguments('yuan() needs a number of yuan with at most two decimals');
});
// The way to ask for something that may be absent.
add('is defined', ['value'], (value) => value !== null && value !== undefined);

/** `value` as JSON for the record; functions and ranges by their kind. */
export function shown(value) {
  try {
    return plain(value);
  } catch {
    return getType(value);
  }
}

/** The same, in few characters, for people. */
export function describe(value) {
  const text = JSON.stringify(shown(value));
  return text.length > 60 ? text.slice(0, 60) + '…' : text;
}
