// Which parts the value of an expression has, as far as its text shows them.
import { normalizeContextKey } from 'lezer-feel';

const PLAIN = new Set(['null', 'NumericLiteral', 'StringLiteral', 'BooleanLiteral']); // without any part
const NOTHING = [];
const UNKNOWN = null;

const together = (shapes) => (shapes.includes(UNKNOWN) ? UNKNOWN : shapes.flat());

function below(shape, part) {
  if (shape === UNKNOWN) return UNKNOWN;
  return together(shape.map(({ path, parts }) => (path ? [{ path: [...path, part] }] : Object.hasOwn(parts, part) ? parts[part] : NOTHING)));
}

/**
 * The alternatives that the value of `tree` (see study.mjs) may be, or null where one of them is not known: `{ path }` is as a
 * variable, or a part of it; `{ parts }` is a context with a shape for each key. A list is as each of its items, since a path goes into all.
 */
export function form(tree, text) {
  const words = (node) => normalizeContextKey(text.slice(node.from, node.to));
  const children = (node) => {
    const list = [];
    for (let child = node.firstChild; child; child = child.nextSibling) list.push(child);
    return list;
  };
  const operands = (node) => children(node).filter(({ name }) => /^[A-Z]/.test(name) || name === 'null');

  function of(node, bound) {
    if (PLAIN.has(node.name)) return NOTHING;
    switch (node.name) {
      case 'Expression':
      case 'ParenthesizedExpression':
        return operands(node).length === 1 ? of(operands(node)[0], bound) : UNKNOWN;
      case 'VariableName':
        return bound.has(words(node)) ? bound.get(words(node)) : [{ path: [words(node)] }];
      case 'PathExpression':
        return below(of(node.firstChild, bound), words(node.lastChild));
      case 'FilterExpression':
        return of(node.firstChild, bound);
      case 'List':
        return together(operands(node).map((item) => of(item, bound)));
      case 'IfExpression':
        return together(operands(node).slice(1).map((branch) => of(branch, bound)));
      case 'Context': {
        const parts = Object.create(null);
        const inner = new Map(bound);
        for (const entry of node.getChildren('ContextEntry')) {
          const key = words(entry.firstChild).replace(/^"|"$/g, '');
          parts[key] = of(entry.lastChild, inner);
          inner.set(key, parts[key]);
        }
        return [{ parts }];
      }
      case 'ForExpression': {
        const inner = new Map([...bound, ['partial', UNKNOWN]]);
        for (const each of node.getChild('InExpressions').getChildren('InExpression')) {
          const [source, ...end] = operands(each.getChild('IterationContext') ?? each.lastChild);
          inner.set(words(each.firstChild), source && !end.length ? of(source, inner) : UNKNOWN);
        }
        return of(node.lastChild, inner);
      }
      case 'FunctionInvocation': {
        const given = node.getChild('PositionalParameters');
        return words(node.firstChild) === 'context merge' && given ? together(operands(given).map((each) => of(each, bound))) : UNKNOWN;
      }
      default:
        return UNKNOWN;
    }
  }
  return of(tree.topNode, new Map());
}
