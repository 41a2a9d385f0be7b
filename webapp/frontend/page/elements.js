// Elements of the page, made without markup in strings.

/** h('p', { class: 'x', onclick }, 'text', child): an element with attributes, listeners and children; null children are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const button = (attributes, ...children) => h('button', { type: 'button', ...attributes }, ...children);

const SVG = 'http://www.w3.org/2000/svg';
// asset addresses carry a version; the sprite lies beside our own folder
const sprite = new URL('../icons/sprite.svg', document.currentScript?.src ?? document.baseURI);

/** An icon of the sprite that all pages use. */
export function icon(name) {
  const drawn = document.createElementNS(SVG, 'svg');
  drawn.setAttribute('class', 'icon');
  drawn.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${sprite.pathname}#${name}`);
  drawn.append(use);
  return drawn;
}

/**
 * Asks in a dialog. `answers`: [value, label, class]; resolves with the chosen value, or with null where the dialog was closed.
 */
export function ask(title, paragraphs, answers) {
  return new Promise((answer) => {
    const box = h(
      'dialog',
      { class: 'studio-dialog', 'aria-labelledby': 'studio-dialog-title' },
      h('h2', { id: 'studio-dialog-title' }, title),
      ...paragraphs.map((text) => h('p', {}, text)),
      h('div', { class: 'studio-answers' }, ...answers.map(([value, label, look = 'btn'], at) => button({ class: `btn ${look}`, autofocus: at === 0, onclick: () => close(value) }, label))),
    );
    const close = (value) => {
      answer(value);
      box.close();
      box.remove();
    };
    box.addEventListener('cancel', () => close(null));
    document.body.append(box);
    box.showModal();
  });
}

/** Gives an editor all the room that the page has below its head. */
export function fill(root) {
  const grow = () => {
    root.style.setProperty('--studio-top', `${Math.round(root.getBoundingClientRect().top + scrollY)}px`);
    // on a phone the menu lies at the bottom
    const menu = document.querySelector('.mainnav');
    const fixed = menu && getComputedStyle(menu).position === 'fixed';
    root.style.setProperty('--studio-bottom', `${fixed ? menu.offsetHeight : 0}px`);
  };
  grow();
  addEventListener('resize', grow);
}

export const clock = (moment, locale) => new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }).format(new Date(moment));
export const day = (moment, locale) => new Intl.DateTimeFormat(locale, { month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit' }).format(new Date(moment));
