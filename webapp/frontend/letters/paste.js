// What is pasted from elsewhere, Word first of all, in the words of a letter: structure and emphasis stay, looks go.

const DROPPED = 'script, title, xml, o\\:p, object, svg, [data-looks*="mso-element:comment"], [data-looks*="display:none"]';
const TITLE = /^(mso)?title$|^\u6807\u9898$/i;
const HEADING = /^(mso)?heading|^\u6807\u9898\s*\d/i;
/** How Word says which sign it wrote before an item. */
const SIGN = '[data-looks*="mso-list:ignore" i]';

/** HTML of the clipboard without what a letter cannot have. */
export function cleaned(html) {
  // the policy of the page forbids styles, even to read them
  const plain = html.replace(/<style[\s\S]*?<\/style\s*>/gi, '').replace(/(<[a-z][^>]*?\s)style=/gi, '$1data-looks=');
  const { body } = new DOMParser().parseFromString(plain, 'text/html');
  for (const gone of body.querySelectorAll(DROPPED)) gone.remove();
  listed(body);
  for (const cell of body.querySelectorAll('[colspan]')) for (let more = Math.min(Number(cell.colSpan), 20); more > 1; more -= 1) cell.after(body.ownerDocument.createElement(cell.localName));
  for (const element of [...body.querySelectorAll('[data-looks], [align], [class]')]) emphasised(element);
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

/** Word writes each item of a list as a paragraph that begins with its sign. */
function listed(body) {
  let list = null;
  for (const item of [...body.querySelectorAll('p[data-looks*="mso-list"]')]) {
    const sign = item.querySelector(SIGN);
    if (list?.nextElementSibling !== item) {
      list = body.ownerDocument.createElement(/[\da-z][.)\u3001\uff09]/i.test(sign?.textContent ?? '') ? 'ol' : 'ul');
      item.before(list);
    }
    sign?.remove();
    const entry = body.ownerDocument.createElement('li');
    entry.append(...item.childNodes);
    list.append(entry);
    item.remove();
  }
}
