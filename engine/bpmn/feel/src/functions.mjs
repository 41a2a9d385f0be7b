// Built-in functions of FEEL that feelin lacks or has otherwise than the standard (OMG DMN 1.5, 10.3.4).
import { builtins, cmp, createRange, fn, FeelFunction, getType, invalidArguments, isRange, listFn, parseExpression, patterns, wrapFunction } from 'feelin';
import { regularExpression } from './patterns.mjs';
import { program } from './programs.mjs';

const define = (name, parameters, types, answer) => (builtins[name] = fn(answer, types, parameters));

// --- 10.3.4.7: an end of a range is [value, how far beyond it the range begins or ends]

const low = (range) => [range.start, range['start included'] ? 0 : 1];
const high = (range) => [range.end, range['end included'] ? 0 : -1];
const order = ([a, beyondA], [b, beyondB]) => cmp(a, b) || beyondA - beyondB;
const closed = (point) => (isRange(point) ? point : createRange(point, point));
const comparable = (a, b) => {
  const ends = [a, b].flatMap((range) => [range.start, range.end]);
  return ends.every((end) => end !== null && getType(end) === getType(ends[0]));
};

/** A relation between two ranges, or a point where `points` allows one first (1) or second (2). */
function relation(name, [first, second], points, holds) {
  define(name, [first, second], ['any', 'any'], (a, b) => {
    if ((!isRange(a) && points !== 1 && points !== 3) || (!isRange(b) && points !== 2 && points !== 3)) return null;
    if (!isRange(a) && !isRange(b) && points !== 3) return null;
    const [left, right] = [closed(a), closed(b)];
    if (!comparable(left, right)) return invalidArguments(`${name}() needs ends of one type`);
    return holds(left, right);
  });
}

const within = (a, b) => order(low(a), low(b)) >= 0 && order(high(a), high(b)) <= 0;
const finishes = (a, b) => order(high(a), high(b)) === 0 && order(low(a), low(b)) >= 0;
const starts = (a, b) => order(low(a), low(b)) === 0 && order(high(a), high(b)) <= 0;
const touches = (a, b) => order(high(a), low(b)) >= 0;
const overlapsBefore = (a, b) => order(low(a), low(b)) < 0 && touches(a, b) && order(high(a), high(b)) <= 0;
const coincides = (a, b) => order(low(a), low(b)) === 0 && order(high(a), high(b)) === 0;

relation('during', ['point', 'range'], 1, within);
relation('finishes', ['point', 'range'], 1, finishes);
relation('finished by', ['range', 'point'], 2, (a, b) => finishes(b, a));
relation('starts', ['point', 'range'], 1, starts);
relation('started by', ['range', 'point'], 2, (a, b) => starts(b, a));
relation('overlaps before', ['range1', 'range2'], 0, overlapsBefore);
relation('overlaps after', ['range1', 'range2'], 0, (a, b) => overlapsBefore(b, a));
relation('coincides', ['point1', 'point2'], 3, coincides);

// --- 10.3.4.1

// Only literals may stand at the ends: the text is data.
const RANGE_TEXT = /^\s*[[\](].*\.\..*[\])[]\s*$/s;
const literal = (node) =>
  ['NumericLiteral', 'StringLiteral', 'BooleanLiteral', 'DateTimeLiteral', 'AtLiteral', 'null'].includes(node.name) ||
  (node.name === 'ArithmeticExpression' && node.firstChild?.nextSibling?.name === 'NumericLiteral');

define('range', ['from'], ['string'], (text) => {
  const wrong = () => invalidArguments('range({text}) is no range', { text });
  if (!RANGE_TEXT.test(text) || text.length > 200) return wrong();
  const interval = parseExpression(text, {}).topNode.firstChild;
  if (interval?.name !== 'Interval' && interval?.firstChild?.name !== 'Interval') return wrong();
  const node = interval.name === 'Interval' ? interval : interval.firstChild;
  const ends = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.type.isError) return wrong();
    if (!/^[[\]()]$/.test(child.name) && !/^\.\.$/.test(child.name)) ends.push(child);
  }
  if (!ends.every(literal)) return wrong();
  try {
    const { start, end, unknown, ...included } = program(text, false, {}).run({});
    if (start === null && end === null) return wrong();
    if (start !== null && end !== null && cmp(start, end) > 0) return wrong();
    return createRange(start, end, included['start included'], included['end included']);
  } catch {
    return wrong();
  }
});

// --- 10.3.4.3

patterns.make = regularExpression;

// --- 10.3.4.4

define('list replace', ['list', 'position', 'newItem', 'match'], ['list', 'any?', 'any?', 'any?'], (list, position, newItem, match) => {
  const which = position ?? match ?? null;
  if (typeof which === 'number') {
    const place = Math.trunc(which);
    const index = place < 0 ? list.length + place : place - 1;
    if (place === 0 || index < 0 || index >= list.length) return invalidArguments('list replace() has no position {which}', { which });
    return list.map((item, i) => (i === index ? newItem : item));
  }
  const test = wrapFunction(which);
  if (!(test instanceof FeelFunction) || test.parameterNames.length !== 2)
    return invalidArguments('list replace() needs a position, or a function of an item and the new item');
  const answers = list.map((item) => test.invoke([item, newItem]));
  if (answers.some((answer) => typeof answer !== 'boolean')) return invalidArguments('the function given to list replace() must answer true or false');
  return list.map((item, i) => (answers[i] ? newItem : item));
});

/** The first of what can be ordered: numbers, texts, dates, times, durations, all of one type. */
const extreme = (name, before) =>
  (builtins[name] = listFn(
    (...list) => {
      if (!list.length) return null;
      const type = getType(list[0]);
      if (!list.every((item) => getType(item) === type && !['list', 'context', 'boolean', 'function', 'range', 'nil'].includes(type))) return null;
      return list.reduce((found, item) => (cmp(item, found) === before ? item : found));
    },
    'any',
    ['...list'],
  ));
extreme('min', -1);
extreme('max', 1);
