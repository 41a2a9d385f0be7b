// When a part of a letter is printed, and for what it is repeated: seen as a rail with its words, and changed where it stands.
import { Plugin } from 'prosemirror-state';
import { liftTarget } from 'prosemirror-transform';
import { Decoration, DecorationSet } from 'prosemirror-view';
import { button, h, icon } from '../page/elements.js';
import { expression } from './box.js';
import { schema } from './schema.js';

const { only } = schema.marks;
/** What may be repeated. */
const REPEATED = new Set(['list_item', 'table_row']);
const NAMES = {
  paragraph: 'Paragraph',
  heading: 'Heading',
  bullet_list: 'The whole list',
  ordered_list: 'The whole list',
  list_item: 'Item of the list',
  table: 'The whole table',
  table_row: 'Row of the table',
  rule: 'Line',
  signature: 'Place for the signature',
  section: 'Section',
  chart: 'Chart',
};

/** Labels at all that has a condition or is repeated; `chosen(pos, button)` is told of the one that is pressed. */
export function rails(say, chosen) {
  const of = (doc) => {
    const made = [];
    doc.descendants((node, pos, parent, at) => {
      const { if: when, each } = node.attrs;
      const mark = only.isInSet(node.marks);
      if (mark && !(at && mark.isInSet(parent.child(at - 1).marks))) made.push(label(pos, pos, mark.attrs.if, null));
      if (when || each) made.push(label(begins(node, pos), pos, when, each));
    });
    return DecorationSet.create(doc, made);
  };
  const label = (at, pos, when, each) => {
    const words = [each && say('for each: {expression}', { expression: each }), when && say('only if {expression}', { expression: when })].filter(Boolean);
    const draw = () =>
      button(
        { class: `letter-rail ${each ? 'is-each' : 'is-if'}`, title: words.join('\n'), contenteditable: 'false', onmousedown: (event) => event.preventDefault(), onclick: (event) => chosen(pos, event.currentTarget) },
        icon(each ? 'refresh' : 'filter'),
        h('span', {}, words.join(' · ')),
      );
    return Decoration.widget(at, draw, { side: -1, ignoreSelection: true, stopEvent: () => true, key: `${pos}:${words.join()}` });
  };
  return new Plugin({
    state: { init: (_, { doc }) => of(doc), apply: (tr, made) => (tr.docChanged ? of(tr.doc) : made) },
    props: {
      decorations(state) {
        return this.getState(state);
      },
    },
  });
}

/** Where its label can stand: in its first line; before a table and what holds nothing. */
function begins(node, pos) {
  if (node.isLeaf || node.type === schema.nodes.table) return pos;
  return node.isTextblock || node.firstChild.isLeaf ? pos + 1 : begins(node.firstChild, pos + 1);
}

/** The box in which conditions and repetitions around the cursor are changed. */
export function conditions(view, anchor, { box, places, say }) {
  const fields = holders(view.state, say).map((holder) => {
    const field = (attribute, label) => expression(label, holder[attribute] ?? '', places.variables, (value) => view.dispatch(holder.set(view.state.tr, attribute, value)));
    return { name: holder.name, made: [field('if', say('Printed only if')), ...(holder.repeats ? [field('each', say('Repeated for each of'))] : [])] };
  });
  const shown = fields.map(({ name, made }) => h('fieldset', { class: 'letter-holder' }, h('legend', {}, name), ...made.map(({ element }) => element)));
  const hint = h('p', { class: 'letter-more' }, say('Empty: always printed. Inside of what is repeated, “item” is the one that is printed.'));
  box.open(anchor, say('Condition'), [...(shown.length ? shown : [h('p', {}, say('Put the cursor into a paragraph first.'))]), hint], (back) => {
    for (const { made } of fields) for (const each of made) each.done();
    if (back) view.focus();
  });
  fields[0]?.made[0].focus();
}

/** What may have a condition around the selection, from the inside: `[{ name, if, each, repeats, set }]`; `set` gives a transaction. */
function holders(state, say) {
  const { $from, from, to, empty } = state.selection;
  const found = [];
  const marked = markedAround(state);
  if (marked || (!empty && $from.sameParent(state.selection.$to) && $from.parent.inlineContent)) {
    const range = marked ?? { from, to, mark: null };
    found.push({
      name: say('The marked text'),
      if: range.mark?.attrs.if ?? null,
      repeats: false,
      set: (tr, _, value) => {
        const present = value && only.create({ if: value });
        if (range.mark) tr.removeMark(range.from, range.to, range.mark);
        if (present) tr.addMark(range.from, range.to, present);
        range.mark = present;
        return tr;
      },
    });
  }
  const add = (node, pos) =>
    found.push({
      name: say(NAMES[node.type.name]),
      if: node.attrs.if,
      each: node.attrs.each ?? null,
      repeats: REPEATED.has(node.type.name),
      set: (tr, attribute, value) => tr.setNodeAttribute(pos, attribute, value || null),
    });
  const { node } = state.selection;
  if (node?.isBlock && NAMES[node.type.name]) add(node, from);
  const range = severalMarked(state.selection);
  const together = range && several(range, say);
  if (together) found.push(together);
  for (let depth = range?.depth ?? $from.depth; depth > 0; depth -= 1) {
    const each = $from.node(depth);
    // the only paragraph of an item or a cell stands for it
    const alone = each.type === schema.nodes.paragraph && $from.node(depth - 1).childCount === 1 && /^(list_item|table_cell|table_header|footer)$/.test($from.node(depth - 1).type.name);
    if (NAMES[each.type.name] && !(alone && !each.attrs.if)) add(each, $from.before(depth));
  }
  return found;
}

/** The range of blocks over which the selection goes, null where it stays in one. */
function severalMarked({ $from, $to, node }) {
  const range = node || $from.sameParent($to) ? null : $from.blockRange($to);
  return range && range.endIndex - range.startIndex > 1 ? range : null;
}

/** One condition for all marked blocks: around them as a section; where no section can be, as in a list, the same at each. */
function several(range, say) {
  const { parent, startIndex, endIndex, start } = range;
  const marked = [];
  parent.forEach((node, offset, index) => {
    if (index >= startIndex && index < endIndex && NAMES[node.type.name]) marked.push({ node, pos: range.$from.start(range.depth) + offset });
  });
  const common = marked.every(({ node }) => node.attrs.if === marked[0].node.attrs.if) ? marked[0]?.node.attrs.if : null;
  const section = schema.nodes.section;
  const wrapped = parent.canReplaceWith(startIndex, endIndex, section) && marked.length === endIndex - startIndex;
  // a section that holds just these is offered itself
  if (!marked.length || (wrapped && parent.type === section && parent.childCount === marked.length)) return null;
  let around = false;
  const wrap = (tr, value) => {
    if (around && value) tr.setNodeAttribute(start, 'if', value);
    else if (around) {
      const inside = tr.doc.resolve(start + 1).blockRange(tr.doc.resolve(start + tr.doc.nodeAt(start).nodeSize - 1));
      tr.lift(inside, liftTarget(inside));
    } else if (value) tr.wrap(range, [{ type: section, attrs: { if: value } }]);
    around = Boolean(value);
    return tr;
  };
  const each = (tr, value) => marked.reduce((made, { pos }) => made.setNodeAttribute(pos, 'if', value || null), tr);
  return {
    name: say('All {n} marked parts together', { n: marked.length }),
    if: wrapped ? null : common,
    repeats: false,
    set: (tr, _, value) => (wrapped ? wrap : each)(tr, value),
  };
}

/** The text with a condition in which the cursor stands. */
function markedAround({ selection: { $from } }) {
  const { parent } = $from;
  if (!parent.inlineContent) return null;
  const at = $from.textOffset || !$from.nodeBefore ? $from.index() : only.isInSet($from.nodeAfter?.marks ?? []) ? $from.index() : $from.index() - 1;
  const mark = parent.maybeChild(at)?.marks.find(({ type }) => type === only);
  if (!mark) return null;
  const has = (each) => mark.isInSet(parent.child(each).marks);
  let [first, last] = [at, at];
  while (first > 0 && has(first - 1)) first -= 1;
  while (last + 1 < parent.childCount && has(last + 1)) last += 1;
  const start = $from.start();
  const place = (index) => start + [...Array(index).keys()].reduce((sum, each) => sum + parent.child(each).nodeSize, 0);
  return { from: place(first), to: place(last + 1), mark };
}
