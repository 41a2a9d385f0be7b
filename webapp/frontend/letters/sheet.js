// The sheet on which a letter is written.
import { baseKeymap, chainCommands, exitCode, toggleMark } from 'prosemirror-commands';
import { gapCursor } from 'prosemirror-gapcursor';
import { history, redo, undo } from 'prosemirror-history';
import { keymap } from 'prosemirror-keymap';
import { DOMSerializer } from 'prosemirror-model';
import { liftListItem, sinkListItem, splitListItem } from 'prosemirror-schema-list';
import { EditorState, NodeSelection, Plugin, TextSelection } from 'prosemirror-state';
import { goToNextCell, tableEditing } from 'prosemirror-tables';
import { EditorView } from 'prosemirror-view';
import { rails } from './conditions.js';
import { cleaned } from './paste.js';
import { schema } from './schema.js';

const { list_item: item, line_break: lineBreak } = schema.nodes;
const { strong, em, u } = schema.marks;

const broken = (state, dispatch) => {
  if (!state.selection.$from.parent.inlineContent) return false;
  dispatch?.(state.tr.replaceSelectionWith(lineBreak.create()).scrollIntoView());
  return true;
};

const KEYS = {
  'Mod-z': undo,
  'Mod-y': redo,
  'Mod-Shift-z': redo,
  'Mod-b': toggleMark(strong),
  'Mod-i': toggleMark(em),
  'Mod-u': toggleMark(u),
  'Shift-Enter': chainCommands(exitCode, broken),
  // a new item is not repeated, and has no condition, because the one before it is or has
  Enter: splitListItem(item, { if: null, each: null }),
  Tab: chainCommands(goToNextCell(1), sinkListItem(item)),
  'Shift-Tab': chainCommands(goToNextCell(-1), liftListItem(item)),
};

/** A view of `doc` in `root`. `changed` hears of every change of the document, `moved` of every transaction. */
export function sheet(root, doc, { say, places, condition, changed, moved }) {
  const view = new EditorView(root, {
    state: EditorState.create({
      doc,
      plugins: [history(), new Plugin({ props: places.props }), rails(say, condition), keymap(KEYS), keymap(baseKeymap), tableEditing(), gapCursor()],
    }),
    attributes: { class: 'letter-sheet', 'aria-label': say('Text of the letter'), 'aria-multiline': 'true', role: 'textbox', spellcheck: 'false' },
    transformPastedHTML: cleaned,
    clipboardSerializer: DOMSerializer.fromSchema(schema),
    dispatchTransaction(tr) {
      view.updateState(view.state.apply(tr));
      if (tr.docChanged) changed();
      moved(view.state);
    },
  });
  return view;
}

/** Selects the node at `pos`, or puts the cursor into it, and brings it before the person's eyes. */
export function select(view, pos) {
  const { doc } = view.state;
  const node = doc.nodeAt(pos);
  const atom = node && !node.isText && node.isAtom;
  const place = atom ? NodeSelection.create(doc, pos) : TextSelection.near(doc.resolve(node && !node.isInline ? pos + 1 : pos));
  view.dispatch(view.state.tr.setSelection(place).scrollIntoView());
  view.focus();
}
