// Lists as Word puts them on the clipboard: each item is a paragraph that begins with the sign that was printed before it.

const ITEM = 'p[data-looks*="mso-list"]';
/** How Word says which sign it wrote. */
const SIGN = '[data-looks*="mso-list:ignore" i]';
/** What a bullet is, in whatever font: one sign that counts nothing. */
const BULLET = /^[^\d\u2160-\u217f\u2460-\u24ff\u2776-\u2793\u3220-\u33ff\u4e00-\u9fff]?$/u;
const NUMBER = /^(\d+)[.)\u3001\uff0e\uff09]?$/;

/**
 * Makes lists of the items that letters can count, 1 2 3 and with bullets, those of a lower level within the item above. Whatever else was
 * counted, as articles are (第一条, 一、, ①, 1.1, or a list that goes on with 3), keeps its sign as text: others refer to it.
 */
export function listed(body) {
  let open = []; // the lists that go on, from the outside: { list, of, level, last }
  let before = null; // where the last item was
  for (const item of [...body.querySelectorAll(ITEM)]) {
    const written = item.querySelector(SIGN);
    const sign = (written?.textContent ?? '').replace(/[\s\u00a0]+/g, '');
    const [, of = '', level = 1] = /mso-list:\s*(\S+)\s+level(\d+)/i.exec(item.dataset.looks) ?? [];
    if (before?.nextElementSibling !== item) open = [];
    const above = open.filter((each) => each.level < Number(level));
    let same = open.find((each) => each.level === Number(level) && each.of === of);
    const number = BULLET.test(sign) ? 0 : Number(NUMBER.exec(sign)?.[1] ?? NaN);
    if (same && (number ? same.last + 1 !== number : same.last > 0)) same = null;
    if (Number.isNaN(number) || (!same && number > 1)) {
      written?.replaceWith(`${sign} `);
      [open, before] = [[], item];
      continue;
    }
    if (!same) {
      const list = body.ownerDocument.createElement(number ? 'ol' : 'ul');
      if (above.length) above.at(-1).list.lastElementChild.append(list);
      else item.before(list);
      same = { list, of, level: Number(level), last: 0 };
    }
    written?.remove();
    const entry = body.ownerDocument.createElement('li');
    entry.append(...item.childNodes);
    same.list.append(entry);
    same.last = number;
    open = [...above, same];
    before = open[0].list;
    item.remove();
  }
}
