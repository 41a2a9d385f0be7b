// What a letter is made of: the closed vocabulary of its files, as the editor knows it. Each part is drawn as it stands in the file.
import { Fragment, Schema } from 'prosemirror-model';

/** How a content item may be printed, in the order of the list. */
export const FORMS = ['text', 'day', 'month', 'money', 'lines', 'duration'];

const when = { if: { default: null } };
const repeated = { ...when, each: { default: null } };
const sided = { ...when, align: { default: null } };

const conditions = (dom) => ({ if: dom.getAttribute('data-if'), each: dom.getAttribute('data-each') });
const classOf = (dom, ...names) => names.find((name) => dom.classList.contains(name)) ?? null;
const drawn = ({ attrs }, named = attrs.align) => ({ class: named, 'data-if': attrs.if, 'data-each': attrs.each });
const parsed = (tag, more = () => ({})) => ({ tag, getAttrs: (dom) => ({ ...conditions(dom), ...more(dom) }) });

const cell = (tag) => ({
  content: 'flow+',
  // the rules of tables ask for these; files have neither
  attrs: { colspan: { default: 1 }, rowspan: { default: 1 }, colwidth: { default: null } },
  isolating: true,
  tableRole: tag === 'th' ? 'header_cell' : 'cell',
  parseDOM: [{ tag }],
  toDOM: () => [tag, 0],
});

const list = (tag) => ({ group: 'flow block', content: 'list_item+', attrs: when, parseDOM: [parsed(tag)], toDOM: (node) => [tag, drawn(node), 0] });
const small = (attrs, parse, toDOM) => ({ group: 'inline', inline: true, attrs, parseDOM: [parse], toDOM });

export const schema = new Schema({
  nodes: {
    doc: { content: 'block+ footer?' },
    paragraph: {
      group: 'flow block',
      content: 'inline*',
      attrs: sided,
      parseDOM: [parsed('p', (dom) => ({ align: classOf(dom, 'center', 'right') }))],
      toDOM: (node) => ['p', drawn(node), 0],
    },
    heading: {
      group: 'block',
      content: 'inline*',
      attrs: { ...sided, level: { default: 2 } },
      defining: true,
      parseDOM: [1, 2, 3, 4, 5, 6].map((level) => parsed(`h${level}`, (dom) => ({ align: classOf(dom, 'center', 'right'), level: Math.min(level, 3) }))),
      toDOM: (node) => [`h${node.attrs.level}`, drawn(node), 0],
    },
    bullet_list: list('ul'),
    ordered_list: list('ol'),
    list_item: { content: 'flow+', attrs: repeated, defining: true, parseDOM: [parsed('li')], toDOM: (node) => ['li', drawn(node), 0] },
    table: {
      group: 'block',
      content: 'table_row+',
      attrs: { ...when, plain: { default: false } },
      isolating: true,
      tableRole: 'table',
      parseDOM: [parsed('table', (dom) => ({ plain: dom.classList.contains('plain') }))],
      toDOM: (node) => ['table', drawn(node, node.attrs.plain ? 'plain' : null), 0],
    },
    table_row: { content: '(table_cell | table_header)+', attrs: repeated, tableRole: 'row', parseDOM: [parsed('tr')], toDOM: (node) => ['tr', drawn(node), 0] },
    table_cell: cell('td'),
    table_header: cell('th'),
    rule: {
      group: 'block',
      attrs: { ...when, kind: { default: null } },
      parseDOM: [parsed('hr', (dom) => ({ kind: classOf(dom, 'cut', 'page') }))],
      toDOM: (node) => ['hr', drawn(node, node.attrs.kind)],
    },
    signature: {
      group: 'block',
      content: '(paragraph | remark)+',
      attrs: when,
      defining: true,
      parseDOM: [parsed('div.signature')],
      toDOM: (node) => ['div', drawn(node, 'signature'), 0],
    },
    section: {
      group: 'block',
      content: 'block+',
      attrs: { ...when, together: { default: false } },
      defining: true,
      parseDOM: [parsed('section', (dom) => ({ together: dom.classList.contains('together') }))],
      toDOM: (node) => ['section', drawn(node, node.attrs.together ? 'together' : null), 0],
    },
    footer: { content: '(paragraph | remark)+', isolating: true, parseDOM: [{ tag: 'footer' }], toDOM: () => ['footer', 0] },
    chart: {
      group: 'block',
      attrs: { ...when, src: {}, alt: { default: '' } },
      parseDOM: [parsed('img[src^="chart:"]', (dom) => ({ src: dom.getAttribute('src'), alt: dom.getAttribute('alt') ?? '' }))],
      toDOM: (node) => ['img', { src: node.attrs.src, alt: node.attrs.alt, 'data-if': node.attrs.if }],
    },
    // remarks of the file are for whoever reads it, and never printed
    remark: {
      group: 'flow block',
      attrs: { text: {} },
      parseDOM: [{ tag: 'aside[data-remark]', getAttrs: (dom) => ({ text: dom.dataset.remark }) }],
      toDOM: ({ attrs }) => ['aside', { 'data-remark': attrs.text }],
    },

    text: { group: 'inline' },
    place: small(
      { value: {}, as: { default: 'text' }, label: { default: '' } },
      {
        tag: 'data',
        getAttrs: (dom) => ({ value: dom.getAttribute('value') ?? '', as: dom.dataset.as ?? 'text', label: dom.textContent.replace(/\s+/g, ' ').trim() }),
        getContent: () => Fragment.empty,
      },
      ({ attrs: { value, as, label } }) => ['data', { value, 'data-as': as === 'text' ? null : as }, label],
    ),
    blank: small({ wide: { default: false } }, { tag: 'span.blank', getAttrs: (dom) => ({ wide: dom.classList.contains('wide') }) }, ({ attrs }) => [
      'span',
      { class: attrs.wide ? 'blank wide' : 'blank' },
    ]),
    box: small({}, { tag: 'span.box' }, () => ['span', { class: 'box' }]),
    note: small({ text: {} }, { tag: 'span[data-remark]', getAttrs: (dom) => ({ text: dom.dataset.remark }) }, ({ attrs }) => ['span', { 'data-remark': attrs.text }]),
    line_break: { group: 'inline', inline: true, selectable: false, parseDOM: [{ tag: 'br' }], toDOM: () => ['br'] },
  },
  marks: {
    only: {
      attrs: { if: {} },
      excludes: '',
      inclusive: false,
      parseDOM: [{ tag: 'span[data-if]:not([class])', getAttrs: (dom) => ({ if: dom.getAttribute('data-if') }) }],
      toDOM: ({ attrs }) => ['span', { 'data-if': attrs.if }, 0],
    },
    strong: { parseDOM: [{ tag: 'strong' }, { tag: 'b' }], toDOM: () => ['strong', 0] },
    em: { parseDOM: [{ tag: 'em' }, { tag: 'i' }], toDOM: () => ['em', 0] },
    u: { parseDOM: [{ tag: 'u' }], toDOM: () => ['u', 0] },
  },
});
