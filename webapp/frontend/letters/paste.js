// What is pasted from elsewhere, Word first of all, in the words of a letter: structure and emphasis stay, looks go.
import { listed } from './signs.js';

const DROPPED =
  'script, title, xml, o\\:p, object, svg, img:not([src^="chart:"]), del, [class~="msoDel" i], [data-looks*="mso-element:comment"], [data-looks*="display:none"]';
/** All that parts of letters are known by, and how the editor marks what it copied itself. */
const KEPT = new Set(['class', 'value', 'src', 'alt', 'data-if', 'data-each', 'data-as', 'data-remark', 'data-pm-slice']);
const TITLE = /^(mso)?title$|^\u6807\u9898$/i;
const HEADING = /^(mso)?heading|^\u6807\u9898\s*\d/i;
/** Columns that one cell can take. */
const WIDEST = 20;

/** HTML of the clipboard without what a letter cannot have. */
export function cleaned(html) {
  // the policy of the page forbids styles and handlers, even to read them
  const plain = html
    .replace(/<style[\s\S]*?<\/style\s*>/gi, '')
    .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s/"'])(style|on[a-z]+)\s*=/gi, (_, before, name) => `${before}data-${name.toLowerCase() === 'style' ? 'looks' : name}=`));
  const { body } = new DOMParser().parseFromString(plain, 'text/html');
  for (const gone of body.querySelectorAll(DROPPED)) gone.remove();
  listed(body);
  for (const table of body.querySelectorAll('table')) squared(table);
  for (const element of [...body.querySelectorAll('[data-looks], [align], [class]')]) emphasised(element);
  for (const element of body.querySelectorAll('*')) {
    for (const { name } of [...element.attributes]) if (!KEPT.has(name)) element.removeAttribute(name);
  }
  return body.innerHTML;
}

function emphasised(element) {
  const looks = Object.fromEntries((element.dataset.looks ?? '').split(';').map((each) => each.split(':').map((part) => part.trim().toLowerCase())));
  if (/^(p|div|h\d)$/.test(element.localName)) {
    const side = looks['text-align'] ?? element.getAttribute('align') ?? '';
    const level = TITLE.test(element.className) ? 'h1' : HEADING.test(element.className) ? 'h2' : element.localName;
    if (/^(center|right)$/.test(side)) element.classList.add(side);
    if (level !== element.localName) become(element, level);
  } else if (/^(span|b|i|font)$/.test(element.localName)) {
    const tags = [
      /^(bold|bolder|[6-9]00)$/.test(looks['font-weight'] ?? '') && 'strong',
      looks['font-style'] === 'italic' && 'em',
      /underline/.test(looks['text-decoration'] ?? looks['text-decoration-line'] ?? '') && 'u',
    ].filter(Boolean);
    for (const tag of tags) {
      const around = element.ownerDocument.createElement(tag);
      around.append(...element.childNodes);
      element.append(around);
    }
    // so do some programs write what is not bold at all
    if (element.localName === 'b' && looks['font-weight'] === 'normal') element.replaceWith(...element.childNodes);
  }
}

function become(element, tag) {
  const other = element.ownerDocument.createElement(tag);
  other.className = element.className;
  other.append(...element.childNodes);
  element.replaceWith(other);
}

/** Cells of letters take one place each: what took several is followed by empty ones, to the right and below, so that all others stay where they were. */
function squared(table) {
  const taken = []; // for how many rows more, by column
  for (const row of table.rows) {
    const cells = [...row.cells];
    const made = [];
    const empty = (tag = 'td') => table.ownerDocument.createElement(tag);
    while (cells.length || taken.slice(made.length).some(Boolean)) {
      if (taken[made.length]) {
        taken[made.length] -= 1;
        made.push(empty());
        continue;
      }
      const cell = cells.shift() ?? empty();
      // as many rows as there are: 0
      const [across, down] = [Math.min(cell.colSpan, WIDEST), cell.rowSpan || table.rows.length];
      for (let at = 0; at < across; at += 1) {
        taken[made.length] = down - 1;
        made.push(at ? empty(cell.localName) : cell);
      }
    }
    row.replaceChildren(...made);
  }
}
