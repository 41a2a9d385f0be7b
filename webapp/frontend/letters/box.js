// A small box beside what it changes, in which expressions are typed.
import FeelEditor from '@bpmn-io/feel-editor';
import { h } from '../page/elements.js';

const WAIT = 250;

/** One box at a time, in `root`, which scrolls with what it belongs to. */
export class Box {
  constructor(root) {
    this.root = root;
    document.addEventListener('mousedown', ({ target }) => this.element && !this.element.contains(target) && target.isConnected && this.close());
    const escape = (event) => {
      // the list of completions goes first
      if (event.key !== 'Escape' || !this.element || this.element.querySelector('.cm-tooltip-autocomplete')) return;
      event.stopPropagation();
      this.close(true);
    };
    document.addEventListener('keydown', escape, { capture: true });
  }

  /** Shows `children` below `anchor`; `left` is called when it closes. */
  open(anchor, label, children, left = () => {}) {
    this.close();
    this.element = h('div', { class: 'letter-box', role: 'dialog', 'aria-label': label }, ...children);
    this.left = left;
    this.root.append(this.element);
    const [at, all] = [anchor.getBoundingClientRect(), this.root.getBoundingClientRect()];
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const room = all.bottom - at.bottom;
    const top = room < height && at.top - all.top > height ? at.top - height - 6 : at.bottom + 6;
    this.element.style.left = `${Math.max(8, Math.min(at.left - all.left, all.width - width - 16))}px`;
    this.element.style.top = `${top - all.top + this.root.scrollTop}px`;
    this.element.scrollIntoView({ block: 'nearest' });
  }

  close(back = false) {
    if (!this.element) return;
    const { element, left } = this;
    this.element = null;
    element.remove();
    left(back);
  }
}

/** A line of text under `label`. */
export function line(label, value, set, more = {}) {
  const field = h('input', { class: 'form-control', type: 'text', autocomplete: 'off', value, ...more, oninput: () => set(field.value) });
  return h('label', { class: 'letter-field' }, h('span', {}, label), field);
}

/** One of several, under `label`: `options` are [value, name]. */
export function choice(label, value, options, set) {
  const field = h('select', { class: 'form-select', onchange: () => set(field.value) }, ...options.map(([each, name]) => h('option', { value: each, selected: each === value }, name)));
  return h('label', { class: 'letter-field' }, h('span', {}, label), field);
}

/** An expression under `label`; completes what `variables` names, and tells `set` after a moment; `done` tells what is left and ends it. */
export function expression(label, value, variables, set) {
  const container = h('div', { class: 'letter-feel' });
  let waiting = null;
  let told = value;
  let typed = value;
  const flush = () => {
    clearTimeout(waiting);
    if (typed !== told) set((told = typed));
  };
  const feel = new FeelEditor({
    container,
    value,
    variables,
    contentAttributes: { 'aria-label': label },
    onChange: (text) => {
      // a file holds it in one line
      typed = text.replace(/\s*\n\s*/g, ' ').trim();
      clearTimeout(waiting);
      waiting = setTimeout(flush, WAIT);
    },
  });
  const done = () => {
    flush();
    // it has no word of its own for that
    feel._cmEditor.destroy();
  };
  return { element: h('div', { class: 'letter-field' }, h('span', {}, label), container), done, focus: () => feel.focus() };
}
