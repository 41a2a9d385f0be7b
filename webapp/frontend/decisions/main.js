// The page on which the decision tables of a draft are edited. Its template says which procedure and file.
import './decisions.css';
import { Findings } from '../modeler/findings.js';
import { Head } from '../modeler/head.js';
import { Keeper } from '../modeler/keeper.js';
import { fill, h, icon } from '../modeler/page.js';
import { questions, watchful } from '../modeler/saving.js';
import { Server } from '../modeler/server.js';
import { others } from '../modeler/together.js';
import { wordsOf } from '../words/words.js';
import zh from '../words/zh-decisions.js';
import { Analysis } from './analysis.js';
import { Rows } from './rows.js';
import { editor, light, reveal, viewer } from './tables.js';
import { Views } from './views.js';

const NARROW = '(max-width: 760px)';

/** The findings as a list: a table has no room for marks, so a chosen one is lit up where it stands. */
class TableFindings extends Findings {
  light() {}
  mark() {}
}

async function start() {
  const root = document.getElementById('studio');
  const { procedure, path, locale = 'zh', base, csrf, text } = root.dataset;
  const say = wordsOf(locale, zh);
  const server = new Server(base, csrf);
  const parts = build(root, say);
  const asked = { draft: server.draft(), file: server.read(path) };
  const narrow = matchMedia(NARROW).matches;
  root.classList.toggle('is-narrow', narrow);

  const tables = narrow ? viewer(parts.canvas, say) : editor(parts.canvas, say);
  const current = () => (narrow ? asked.file.then((file) => file.text) : keeper.current());
  const shown = () => tables.getActiveView()?.id;
  let rows = null;
  const chosen = (id) => void reveal(tables, id);
  const findings = new TableFindings({ server, path, say, root: parts.findings, text: current, chosen });
  const analysis = new Analysis(parts.panel, { server, path, say, text: current, rows: () => rows, chosen, shown });
  const bar = new Head(parts.bar, { say, path });
  const keeper = new Keeper({
    server,
    path,
    key: '',
    write: async () => (await tables.saveXML({ format: true })).xml,
    told: (state, problem) => {
      bar.told(state, problem);
      if (state === 'taken') void asks.conflict(problem);
    },
  });
  const { me, files } = await asked.draft;
  const asks = questions({ say, server, path, keeper, bar, me });
  keeper.key = `partwell-draft:${me.id}:${procedure}:${path}`;
  const opened = await asked.file;
  const left = narrow ? null : keeper.left(opened.text);
  const taken = left && (await asks.takeLeft(left)) ? left : null;
  if (left && !taken) keeper.forget();
  const begun = taken ?? opened;
  keeper.opened(begun.text, begun.revision);
  if (taken) keeper.changed();

  rows = new Rows(parts.panel, { server, path, procedure, me, say, bar, narrow, shown, changed: () => analysis.soon() });
  await rows.open(files);
  new Views(parts.views, tables, say, () => {
    analysis.show();
    rows.show();
  });
  const stacks = new Set();
  const able = () => {
    const stack = tables.getActiveViewer()?.get('commandStack', false);
    [undo.disabled, redo.disabled] = [!stack?.canUndo(), !stack?.canRedo()];
  };
  const step = (way) => () => tables.getActiveViewer()?.get('commandStack', false)?.[way]();
  const [undo, redo] = narrow ? [{}, {}] : [bar.tool('arrow-back-up', say('Undo'), step('undo')), bar.tool('arrow-back-up', say('Redo'), step('redo'))];
  if (!narrow) redo.classList.add('is-mirrored');
  // contexts, relations and the like are not drawn: they stand in the text
  bar.tools.append(h('a', { class: 'studio-tool', href: text, title: say('Edit as text'), 'aria-label': say('Edit as text') }, icon('file-text')));
  const listen = (made) => {
    if (stacks.has(made)) return;
    stacks.add(made);
    made.on('commandStack.changed', ({ trigger }) => {
      able();
      if (trigger === 'clear') return;
      keeper.changed();
      findings.soon();
      analysis.soon();
    });
  };
  if (!narrow) tables.on('viewer.created', ({ viewer: made }) => listen(made));
  try {
    await tables.importXML(begun.text);
  } catch (error) {
    parts.canvas.replaceChildren(broken(error));
    return;
  }
  able();
  if (narrow) bar.state.replaceChildren(icon('eye'), say('To look at. Change it on a larger screen.'));
  else {
    watchful(keeper);
    watchful(rows.keeper);
    others({ server, path, me, keeper, bar });
  }
  findings.soon(0);
  analysis.soon(0);
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (wanted) await reveal(tables, wanted);
  root.studio = { tables, keeper, rows, findings, analysis, say, light };
  root.dataset.ready = 'yes';

  function broken(error) {
    return h(
      'div',
      { class: 'studio-broken' },
      h('h2', {}, say('This file cannot be shown as tables')),
      h('p', {}, error.message),
      h('p', {}, h('a', { class: 'btn', href: text }, say('Open it as text'))),
    );
  }
}

function build(root, say) {
  const bar = h('div', { class: 'studio-bar', role: 'toolbar', 'aria-label': say('Decision table') });
  const views = h('div', { class: 'studio-views', role: 'tablist', 'aria-label': say('Decisions') });
  const canvas = h('div', { class: 'studio-canvas studio-tables' });
  const findings = h('section', { class: 'studio-findings', 'aria-label': say('Findings') });
  const panel = h('aside', { class: 'studio-panel', 'aria-label': say('Analysis') });
  root.replaceChildren(bar, views, h('div', { class: 'studio-body' }, h('div', { class: 'studio-drawing' }, canvas, findings), panel));
  fill(root);
  return { bar, views, canvas, findings, panel };
}

start().catch((error) => {
  const root = document.getElementById('studio');
  const say = wordsOf(root.dataset.locale ?? 'zh', zh);
  root.querySelector('.studio-canvas')?.replaceChildren(
    h('div', { class: 'studio-broken' }, h('h2', {}, say('The decision tables could not be opened')), h('p', {}, error.message), h('p', {}, h('a', { class: 'btn', href: location.href }, say('Try again')))),
  );
  // the text of the error belongs in the console, for whoever is asked for help
  console.error(error);
});
