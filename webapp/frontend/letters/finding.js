// What a finding of the check speaks of: from a line and column of the file to the part of the document.
import { TAG } from './file.js';
import { schema } from './schema.js';

/** Letters of a paragraph that tell it from others. */
const SHOWN = 16;
const EXPRESSION = /\s(value|data-if|data-each)\s*=/i;
const { only } = schema.marks;

/** Where what stands there in the file is in the document: the content item or condition there, else the part that holds it. `starts` say where each part begins. */
export function at(doc, { line, column, text, starts }) {
  const wanted = text.split('\n').slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, (column ?? 1) - 1);
  const index = Math.max(0, starts.filter((each) => each <= wanted).length - 1);
  const begin = [...Array(index).keys()].reduce((sum, each) => sum + doc.child(each).nodeSize, 0);
  // tags that hold expressions stand in the file in the order of the document
  const tags = [...text.slice(starts[index]).matchAll(TAG)].filter(([whole]) => EXPRESSION.test(whole));
  return holders(doc, begin, index)[tags.findIndex((each) => starts[index] + each.index === wanted)] ?? begin;
}

/** Positions of all in the part of a document that has an expression, as the tags stand in the file. */
function holders(doc, begin, index) {
  const found = [];
  doc.nodesBetween(begin, begin + doc.child(index).nodeSize, (node, pos, parent, at) => {
    if (pos < begin) return;
    const mark = only.isInSet(node.marks);
    if (mark && !(at && mark.isInSet(parent.child(at - 1).marks))) found.push(pos);
    if (node.type === schema.nodes.place || node.attrs.if != null || node.attrs.each != null) found.push(pos);
  });
  return found;
}

/** How people know what stands there: the name of a content item, or how a paragraph begins. */
export function worded(doc, pos) {
  const node = doc.nodeAt(pos);
  const text = node?.type === schema.nodes.place ? node.attrs.label || node.attrs.value : (node?.isText ? doc.resolve(pos).parent : node)?.textContent.trim();
  return text ? (text.length > SHOWN ? `${text.slice(0, SHOWN)}\u2026` : text) : '';
}
