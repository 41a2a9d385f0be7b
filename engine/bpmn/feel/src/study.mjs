// What can be known about an expression without running it.
import { builtins, parseExpression, parseUnaryTests } from 'feelin';
import { normalizeContextKey } from 'lezer-feel';

const DEEPEST = 210; // levels of the syntax tree; the stack of 1 MB ends at about 270 of this walk
const LONGEST = 4000; // characters
const OPEN = 150; // brackets open at once: what has more is not worth the second that its parsing takes
const DEEP = 'the expression is nested or chained too deeply; split it';
const NULL_SAFE = 'is defined';
const MONEY = /^[\p{L}\p{N}_.]*_fen$/u; // whole fen (design): compared here, calculated with decimals elsewhere
const CLOCK = new Set(['now', 'today']);

/** The most brackets that are open at once, outside of texts. */
function open(text) {
  let most = 0;
  let now = 0;
  for (const [mark] of text.matchAll(/"(?:[^"\\]|\\.)*"|[([{]|[)\]}]/gs)) {
    if ('([{'.includes(mark)) most = Math.max(most, ++now);
    else if (')]}'.includes(mark) && now > 0) now -= 1;
  }
  return most;
}

/** Dotted names -> nested object; null stands for a name of which nothing more is known. */
export function nest(dotted) {
  const tree = Object.create(null);
  for (const name of dotted) {
    const parts = name.split('.').map(normalizeContextKey);
    const last = parts.pop();
    let branch = tree;
    for (const part of parts) branch = branch[part] ??= Object.create(null);
    branch[last] ??= null;
  }
  return tree;
}

const known = (path, names) => {
  let branch = names;
  for (const part of path) {
    if (branch === null) return true;
    if (!Object.hasOwn(branch, part)) return false;
    branch = branch[part];
  }
  return true;
};

/** Whatever of a path does not exist first: `a.b` of `a.b.c` where `a` exists, but no `b` in it. */
const lacking = (path, names) => path.slice(0, path.findIndex((_, at) => !known(path.slice(0, at + 1), names)) + 1).join('.');

/**
 * Problems of references to what is not among `names` (nested), one for each thing that does not exist.
 *
 * asked: the expression only asks whether it is there. What is used where that was answered with yes is never reached.
 */
export function unknown(study, names) {
  const found = new Map();
  for (const { path, from, to, asked, sure } of study.references) {
    if (known(path, names) || sure.some((each) => !known(each, names))) continue;
    const first = found.get(lacking(path, names));
    if (!first || (first.asked && !asked)) found.set(lacking(path, names), { from, to, asked, message: `there is no variable "${path.join('.')}"` });
  }
  return [...found.values()];
}

/**
 * { problems, money, references, uses, timed, nullSafe } of `text`.
 *
 * money: names of money multiplied or divided outside of a comparison.
 * references: [{ path, from, to, asked, sure }] to names not bound in the expression; those inside a filter may belong to its items and are
 * only in `uses`, the set of top-level names that the expression may read. asked: within `is defined(…)`; sure: paths above it or its own
 * that are defined wherever it is evaluated. timed: it asks for the time.
 * nullSafe: places where the author expects that something may be absent.
 */
export function study(text, unary, names) {
  const found = { problems: [], money: [], references: [], uses: new Set(), timed: false, nullSafe: [] };
  const problem = ({ from, to }, message) => found.problems.push({ from, to, message });
  if (text.trim() === '') {
    problem({ from: 0, to: text.length }, 'the expression is empty');
    return found;
  }
  if (text.length > LONGEST) {
    problem({ from: LONGEST, to: text.length }, `the expression has ${text.length} characters; at most ${LONGEST} are read`);
    return found;
  }
  const odd = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(text);
  if (odd) {
    const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    problem({ from: odd.index, to: odd.index + 1 }, `the character U+${code} cannot stand in an expression`);
    return found;
  }
  if (open(text) > OPEN) {
    problem({ from: 0, to: text.length }, DEEP);
    return found;
  }
  const tree = (found.tree = (unary ? parseUnaryTests : parseExpression)(text, names));
  const words = (node) => normalizeContextKey(text.slice(node.from, node.to));

  let depth = 0;
  let deepest = 0;
  tree.iterate({
    enter(node) {
      deepest = Math.max(deepest, ++depth);
      if (!node.type.isError) return;
      const after = text.slice(0, node.from).trimEnd().slice(-20);
      problem(node, after ? `this cannot stand after "${after}"` : 'this cannot stand at the beginning');
    },
    leave: () => void depth--,
  });
  if (deepest > DEEPEST) problem({ from: 0, to: text.length }, DEEP);
  if (found.problems.length) return found;

  const children = (node) => {
    const list = [];
    for (let child = node.firstChild; child; child = child.nextSibling) list.push(child);
    return list;
  };
  const bind = (scope, ...more) => ({ ...scope, bound: new Set([...scope.bound, ...more]) });
  const visitAll = (nodes, scope) => {
    for (const node of nodes) visit(node, scope);
  };

  function refer(node, path, scope) {
    if (scope.bound.has(path[0])) return;
    found.uses.add(path[0]);
    if (!scope.filtering && !(path.length === 1 && Object.hasOwn(builtins, path[0]))) found.references.push({ path, from: node.from, to: node.to, asked: scope.asked, sure: scope.sure.filter((each) => each.every((part, at) => part === path[at])) });
  }

  /** The words of `a.b.c`, or null of what is no name with its parts. */
  function pathOf(node) {
    if (node.name === 'VariableName') return [words(node)];
    if (node.name !== 'PathExpression') return null;
    const above = pathOf(node.firstChild);
    return above && [...above, words(node.lastChild)];
  }

  /** Paths that are defined where this is true. */
  function defined(node) {
    const inner = children(node);
    if (node.name === 'Conjunction') return inner.flatMap(defined);
    if (node.name === 'ParenthesizedExpression') return inner.flatMap(defined);
    if (node.name !== 'FunctionInvocation' || words(inner[0]) !== NULL_SAFE) return [];
    return children(node.getChild('PositionalParameters') ?? node).slice(0, 1).map(pathOf).filter(Boolean);
  }

  function visit(node, scope) {
    const inner = children(node);
    switch (node.name) {
      case 'VariableName':
        return refer(node, [words(node)], scope);
      case 'PathExpression': {
        const path = pathOf(node);
        return path ? refer(node, path, scope) : visit(node.firstChild, scope);
      }
      case 'IfExpression': {
        const [condition, then, otherwise] = inner.filter(({ name }) => !['if', 'then', 'else'].includes(name));
        visit(condition, scope);
        visit(then, { ...scope, sure: [...scope.sure, ...defined(condition)] });
        return visit(otherwise, scope);
      }
      case 'Conjunction': {
        const [left, , right] = inner;
        visit(left, scope);
        return visit(right, { ...scope, sure: [...scope.sure, ...defined(left)] });
      }
      case 'FunctionInvocation': {
        const [callee, ...rest] = inner;
        const name = words(callee);
        if (callee.name !== 'VariableName') visit(callee, scope);
        else if (Object.hasOwn(names, name)) found.uses.add(name);
        else if (!scope.bound.has(name) && !Object.hasOwn(builtins, name)) problem(callee, `there is no function "${name}"`);
        if (name === NULL_SAFE) found.nullSafe.push([node.from, node.to]);
        found.timed ||= CLOCK.has(name);
        return visitAll(rest, { ...scope, asked: scope.asked || name === NULL_SAFE });
      }
      case 'FilterExpression':
        visit(inner[0], scope);
        return visitAll(inner.slice(1), { ...bind(scope, 'item'), filtering: true });
      case 'ForExpression':
      case 'QuantifiedExpression': {
        let body = bind(scope, ...(node.name === 'ForExpression' ? ['partial'] : []));
        for (const each of children(node.getChild('InExpressions'))) {
          visit(each.lastChild, body);
          if (each.firstChild) body = bind(body, words(each.firstChild));
        }
        return visitAll(inner.filter(({ name }) => name !== 'InExpressions'), body);
      }
      case 'FunctionDefinition': {
        const parameters = node.getChild('FormalParameters');
        return visit(node.getChild('FunctionBody'), bind(scope, ...(parameters ? children(parameters).map((p) => words(p.firstChild)) : [])));
      }
      case 'Context': {
        let body = scope;
        const keys = new Set();
        for (const entry of node.getChildren('ContextEntry')) {
          visit(entry.lastChild, body);
          const key = words(entry.firstChild).replace(/^"|"$/g, '');
          if (keys.has(key)) problem(entry.firstChild, `the key "${key}" is given twice`);
          keys.add(key);
          body = bind(body, key);
        }
        return;
      }
      case 'InstanceOfExpression':
        return visit(inner[0], scope);
      case 'NumericLiteral': {
        const number = Number(text.slice(node.from, node.to));
        if (!Number.isFinite(number)) problem(node, 'this number is too large');
        else if (Number.isInteger(number) && !Number.isSafeInteger(number) && /^\d+$/.test(text.slice(node.from, node.to)))
          problem(node, 'this whole number is too large to be exact; compare texts');
        return;
      }
      case 'SimplePositiveUnaryTest':
        // The grammar reads a == b as a = (= b), which means something else than its author thinks.
        if (node.prevSibling?.name === 'CompareOp' && node.firstChild.name === 'CompareOp') problem({ from: node.prevSibling.from, to: node.from + 1 }, 'write one sign to compare, such as "=" or ">="');
        return visitAll(inner, scope);
      case 'ArithmeticExpression': {
        const product = /^[*/]$/.test(text.slice(inner[1]?.from, inner[1]?.to));
        const money = inner.find((operand) => operand.name !== 'ArithOp' && MONEY.test(text.slice(operand.from, operand.to)));
        if (product && money && !scope.comparing) found.money.push(text.slice(money.from, money.to));
        return visitAll(inner, scope);
      }
      case 'Comparison':
        scope = { ...scope, comparing: true };
        if (node.getChild('null')) found.nullSafe.push([node.from, node.to]);
        return visitAll(inner, scope);
      default:
        return visitAll(inner, scope);
    }
  }
  visit(tree.topNode, { bound: new Set(), filtering: false, asked: false, sure: [] });
  return found;
}
