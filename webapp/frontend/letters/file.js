// A letter's file as a document of the editor, and the document as a file: what nobody changed stays as it was written, letter by letter.
import { DOMParser as Reader, DOMSerializer } from 'prosemirror-model';
import { schema } from './schema.js';

/** A tag of a letter, or a remark. */
export const TAG = /<!--[\s\S]*?-->|<(\/?)([a-z][a-z0-9]*)(?:\s+[^\s=>/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*\s*(\/?)>/gi;
const VOID = new Set(['br', 'hr', 'img']);
/** One paragraph alone has no <p> in these. */
const BARE = new Set(['li', 'td', 'th', 'footer']);
/** What stands in lines of its own in these. */
const HOLDING = new Set(['ul', 'ol', 'li', 'table', 'td', 'th', 'section', 'div', 'footer']);

/** `{ doc, frame, kept }` of a file: its document, the text around it, and as it was written what stands for each of its parts. */
export function read(text) {
  const begin = /<body[^>]*>/i.exec(text);
  const end = text.search(/<\/body\s*>/i);
  const inner = text.slice(begin ? begin.index + begin[0].length : 0, end < 0 ? undefined : end);
  const parts = sliced(inner);
  const doc = document_(inner);
  const kept = new WeakMap();
  if (parts.length === doc.childCount) parts.forEach((part, at) => kept.set(doc.child(at), part));
  const frame = {
    before: begin ? text.slice(0, begin.index + begin[0].length) : '',
    after: /\s*$/.exec(inner)[0] + (end < 0 ? '' : text.slice(end)),
  };
  return { doc, frame, kept };
}

/** `{ text, starts }` of a document: the file, and where in it each of the document's parts begins. */
export function write(doc, { frame, kept }) {
  let text = frame.before;
  const starts = [];
  doc.forEach((node) => {
    const part = kept.get(node);
    text += part?.gap ?? '\n';
    starts.push(text.length);
    text += part?.source ?? written(node);
  });
  return { text: text + frame.after, starts };
}

/** The HTML of a node of a document, or of what was copied from one. */
export const written = (node) => markup(serializer.serializeNode(node));

/** A text as it stands in an attribute of the file. */
const attribute = (text) => text.replace(/[&"]/g, (sign) => (sign === '&' ? '&amp;' : '&quot;'));

const serializer = DOMSerializer.fromSchema(schema);

function document_(html) {
  const { body } = new DOMParser().parseFromString(`<!doctype html><body>${html}`, 'text/html');
  const walker = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  const remarks = [];
  while (walker.nextNode()) remarks.push(walker.currentNode);
  for (const remark of remarks) {
    const inline = [...remark.parentNode.childNodes].some((each) => (each.nodeType === Node.TEXT_NODE ? each.data.trim() : INLINE.has(each.localName)));
    const element = body.ownerDocument.createElement(inline ? 'span' : 'aside');
    element.dataset.remark = remark.data;
    remark.replaceWith(element);
  }
  // a mark around it, as around any text with a condition
  for (const empty of body.querySelectorAll('span[class][data-if]')) {
    const around = body.ownerDocument.createElement('span');
    around.setAttribute('data-if', empty.getAttribute('data-if'));
    empty.replaceWith(around);
    around.append(empty);
  }
  return Reader.fromSchema(schema).parse(body);
}

const INLINE = new Set(['data', 'span', 'strong', 'em', 'u', 'br']);

/** What stands side by side in the body: `[{ gap, source }]`, `gap` being the blanks before it. */
function sliced(html) {
  const parts = [];
  let depth = 0;
  let begin = null;
  let done = 0;
  const take = (end) => {
    parts.push({ gap: html.slice(done, begin), source: html.slice(begin, end) });
    [done, begin] = [end, null];
  };
  for (const found of html.matchAll(TAG)) {
    const [whole, closing, name] = found;
    const end = found.index + whole.length;
    if (begin === null) begin = found.index;
    if (depth === 0 && html.slice(done, begin).trim()) return [];
    if (name === undefined || VOID.has(name.toLowerCase())) {
      if (depth === 0) take(end);
    } else if (closing) {
      depth -= 1;
      if (depth === 0) take(end);
    } else depth += 1;
  }
  return depth === 0 && begin === null ? parts : [];
}

function markup(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data.replace(/[&<>\u00a0]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '&nbsp;');
  const name = node.localName;
  if (node.dataset.remark !== undefined) return `<!--${node.dataset.remark}-->`;
  const attributes = [...node.attributes].map((each) => ` ${each.name}="${attribute(each.value)}"`);
  const open = `<${name}${attributes.join('')}>`;
  if (VOID.has(name)) return open;
  const [only] = node.children;
  const bare = BARE.has(name) && node.childNodes.length === 1 && only?.localName === 'p' && !only.attributes.length;
  if (bare || !HOLDING.has(name)) return `${open}${[...(bare ? only : node).childNodes].map(markup).join('')}</${name}>`;
  return `${open}\n${[...node.childNodes].map((each) => `${markup(each)}\n`).join('')}</${name}>`;
}
