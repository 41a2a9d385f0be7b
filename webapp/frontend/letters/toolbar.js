// What can be done with a letter, above its sheet.
import { lift, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands';
import { redo, redoDepth, undo, undoDepth } from 'prosemirror-history';
import { liftListItem, wrapInList } from 'prosemirror-schema-list';
import { TextSelection } from 'prosemirror-state';
import { addColumnAfter, addRowAfter, deleteColumn, deleteRow, deleteTable, findTable, isInTable, toggleHeaderRow } from 'prosemirror-tables';
import { button, h, icon } from '../page/elements.js';
import { schema } from './schema.js';

const { nodes, marks } = schema;
const PARAGRAPHS = [
  ['0', 'Paragraph'],
  ['1', 'Title'],
  ['2', 'Heading'],
  ['3', 'Subheading'],
];

export class Toolbar {
  /** `say`, the `view` of the sheet, the `bar` of all editors; `insert` and `condition` open their boxes beside a button. */
  constructor(root, { say, view, bar, insert, condition }) {
    Object.assign(this, { root, say, view, states: [] });
    const mark = (drawn, name, type) => this.tool(drawn, name, toggleMark(type), (state) => marked(state, type));
    const align = (drawn, name, side) => this.tool(drawn, name, aligned(side), (state) => Boolean(block(state)) && block(state).attrs.align === side);
    this.kind = h(
      'select',
      { class: 'form-select letter-kind', 'aria-label': say('Kind of paragraph'), onchange: () => this.run(kind(Number(this.kind.value))) },
      ...PARAGRAPHS.map(([value, name]) => h('option', { value }, say(name))),
    );
    root.append(
      group(this.kind),
      group(mark('bold', 'Bold', marks.strong), mark('italic', 'Italic', marks.em), mark('underline', 'Underlined', marks.u)),
      group(align('align-left', 'Left', null), align('align-center', 'Centred', 'center'), align('align-right', 'Right', 'right')),
      group(
        this.tool('list', 'List', listed(nodes.bullet_list), (state) => within(state, nodes.bullet_list)),
        this.tool('list-numbers', 'Numbered list', listed(nodes.ordered_list), (state) => within(state, nodes.ordered_list)),
        this.tables(bar),
      ),
      group(this.worded('variable', 'Insert a content item', insert), this.worded('filter', 'Condition', condition), this.inserts(bar)),
    );
    const stack = { undo: () => this.run(undo), redo: () => this.run(redo), canUndo: () => undoDepth(view.state) > 0, canRedo: () => redoDepth(view.state) > 0 };
    this.states.push(bar.steps(() => stack), (state) => {
      const { parent } = state.selection.$from;
      this.kind.value = String(parent.type === nodes.heading ? parent.attrs.level : 0);
    });
    this.show(view.state);
  }

  show(state) {
    for (const each of this.states) each(state);
  }

  run(command) {
    command(this.view.state, this.view.dispatch, this.view);
    this.view.focus();
  }

  tool(drawn, name, command, on) {
    const label = this.say(name);
    const made = button({ class: 'studio-tool', title: label, 'aria-label': label, 'aria-pressed': 'false', onmousedown: keep, onclick: () => this.run(command) }, icon(drawn));
    this.states.push((state) => {
      made.setAttribute('aria-pressed', String(on(state)));
      made.disabled = !command(state) && !on(state);
    });
    return made;
  }

  worded(drawn, name, act) {
    const made = button({ class: 'letter-tool', onmousedown: keep, onclick: () => act(this.view, made) }, icon(drawn), this.say(name));
    return made;
  }

  menu(bar, drawn, name, entries) {
    return bar.menu(drawn, this.say(name), entries.map(([label, command]) => [this.say(label), () => this.run(command)]));
  }

  tables(bar) {
    return this.menu(bar, 'table', 'Table', [
      ['Insert a table', table],
      ['Add a row below', addRowAfter],
      ['Add a column to the right', addColumnAfter],
      ['Heading row on or off', toggleHeaderRow],
      ['Lines on or off', plain],
      ['Take out the row', deleteRow],
      ['Take out the column', deleteColumn],
      ['Take out the table', deleteTable],
    ]);
  }

  inserts(bar) {
    const made = this.menu(bar, 'plus', 'Insert', [
      ['Place for the signature', signature],
      ['Line to write on', inline(nodes.blank.create())],
      ['Long line to write on', inline(nodes.blank.create({ wide: true }))],
      ['Box to tick', inline(nodes.box.create())],
      ['Page break', placed(nodes.rule.create({ kind: 'page' }))],
      ['Line to tear along', placed(nodes.rule.create({ kind: 'cut' }))],
      ['Dividing line', placed(nodes.rule.create())],
      ['Keep together as a section', wrapIn(nodes.section, { together: true })],
      ['Take out of its section', lift],
      ['Foot of each page', footer],
    ]);
    made.firstChild.append(this.say('Insert'));
    made.firstChild.className = 'letter-tool';
    return made;
  }
}

const keep = (event) => event.preventDefault();
const group = (...tools) => h('span', { class: 'letter-tools' }, ...tools);
const block = ({ selection: { $from } }) => ($from.parent.isTextblock ? $from.parent : null);
const marked = ({ selection: { from, to, empty, $from }, storedMarks, doc }, type) => Boolean(empty ? type.isInSet(storedMarks ?? $from.marks()) : doc.rangeHasMark(from, to, type));

function within({ selection: { $from } }, type) {
  for (let depth = $from.depth; depth > 0; depth -= 1) if (/_list$/.test($from.node(depth).type.name)) return $from.node(depth).type === type;
  return false;
}

const kind = (level) => (level ? setBlockType(nodes.heading, { level }) : setBlockType(nodes.paragraph));

/** All paragraphs of the selection to this side. */
const aligned = (side) => (state, dispatch) => {
  const { from, to } = state.selection;
  const { tr } = state;
  let fits = false;
  state.doc.nodesBetween(from, to, (node, pos) => {
    if (!node.isTextblock) return;
    fits = true;
    tr.setNodeAttribute(pos, 'align', side);
  });
  if (fits) dispatch?.(tr);
  return fits;
};

/** Makes a list of it, or no list any more, or the other kind of list. */
const listed = (type) => (state, dispatch) => {
  if (within(state, type)) return liftListItem(nodes.list_item)(state, dispatch);
  const { $from } = state.selection;
  for (let depth = $from.depth; depth > 0; depth -= 1) {
    if (!/_list$/.test($from.node(depth).type.name)) continue;
    dispatch?.(state.tr.setNodeMarkup($from.before(depth), type));
    return true;
  }
  return wrapInList(type)(state, dispatch);
};

const inline = (node) => (state, dispatch) => {
  if (!state.selection.$from.parent.inlineContent) return false;
  dispatch?.(state.tr.replaceSelectionWith(node).scrollIntoView());
  return true;
};

/** Behind the part of the letter in which the cursor stands, with the cursor in it or behind it. */
const placed = (node) => (state, dispatch) => {
  const { $from } = state.selection;
  let depth = $from.depth;
  while (depth > 0 && !['doc', 'section'].includes($from.node(depth - 1).type.name)) depth -= 1;
  if (depth < 1 || $from.node(depth).type === nodes.footer) return false;
  const at = $from.after(depth);
  const tr = state.tr.insert(at, node.isLeaf && at === state.doc.content.size ? [node, nodes.paragraph.create()] : node);
  dispatch?.(tr.setSelection(TextSelection.near(tr.doc.resolve(at + (node.isLeaf ? node.nodeSize : 1)))).scrollIntoView());
  return true;
};

const cell = () => nodes.table_cell.createAndFill();
const table = placed(nodes.table.create(null, [0, 1].map(() => nodes.table_row.create(null, [cell(), cell()]))));
const signature = placed(nodes.signature.create(null, [nodes.paragraph.create({ align: 'right' })]));

const plain = (state, dispatch) => {
  if (!isInTable(state)) return false;
  const { node, pos } = findTable(state.selection.$from);
  dispatch?.(state.tr.setNodeAttribute(pos, 'plain', !node.attrs.plain));
  return true;
};

/** One at the end; where there is one, the cursor goes there. */
const footer = (state, dispatch) => {
  const { tr } = state;
  if (state.doc.lastChild.type !== nodes.footer) tr.insert(state.doc.content.size, nodes.footer.createAndFill());
  dispatch?.(tr.setSelection(TextSelection.atEnd(tr.doc)).scrollIntoView());
  return true;
};
