// The page on which a diagram of a draft is drawn. Its template says which procedure and file; all else comes from the server.
import './modeler.css';
import { wordsOf } from '../words/words.js';
import { Bar } from './bar.js';
import { begin, modeler, select, viewer } from './diagram.js';
import { Findings } from './findings.js';
import { Keeper } from './keeper.js';
import { fill, h } from './page.js';
import { questions, watchful } from './saving.js';
import { Server } from './server.js';
import { others } from './together.js';
import { touch } from './touch.js';

const EMPTY = { operations: [], templates: [], chains: [], roles: [], forms: [], decisions: [], processes: [], calendars: [] };
const NARROW = '(max-width: 760px)';

async function start() {
  const root = document.getElementById('studio');
  const { procedure, path, locale = 'zh', base, csrf, text, chains } = root.dataset;
  const say = wordsOf(locale);
  const server = new Server(base, csrf);
  const parts = build(root, say);
  const addresses = {
    // only for whoever may open the chains
    chain: (key) => chains && `${chains}/${encodeURIComponent(key)}`,
    edit: (file) => `${server.base}/edit/${file.split('/').map(encodeURIComponent).join('/')}`,
    text,
  };
  // everything is asked for at once; whatever is slow, the diagram is drawn as soon as it is there
  const asked = { draft: server.draft(), file: server.read(path), catalogue: server.catalogue().then((found) => ({ ...EMPTY, ...found })) };
  const narrow = matchMedia(NARROW).matches;
  root.classList.toggle('is-narrow', narrow);

  let diagram;
  const studio = { say, addresses };
  const findings = (studio.findings = new Findings({
    server,
    path,
    say,
    root: parts.findings,
    text: () => (narrow ? asked.file.then(({ text }) => text) : keeper.current()),
    chosen: (id) => select(diagram, id),
  }));
  const bar = new Bar(parts.bar, { say, path, server, current: () => keeper.current() });
  const keeper = new Keeper({
    server,
    path,
    key: '',
    write: async () => (await diagram.saveXML({ format: true })).xml,
    told: (state, problem) => told(state, problem),
  });
  const { me } = await asked.draft;
  const asks = questions({ say, server, path, keeper, bar, me });
  keeper.key = `partwell-draft:${me.id}:${procedure}:${path}`;
  const opened = await asked.file;
  const left = narrow ? null : keeper.left(opened.text);
  const taken = left && (await asks.takeLeft(left)) ? left : null;
  if (left && !taken) keeper.forget();

  studio.catalogue = await asked.catalogue;
  diagram = narrow ? viewer(parts.canvas, studio) : modeler(parts.canvas, parts.panel, studio);
  findings.draw(diagram);
  keeper.opened((taken ?? opened).text, (taken ?? opened).revision);
  if (taken) keeper.changed();
  try {
    await diagram.importXML((taken ?? opened).text);
  } catch (error) {
    parts.canvas.replaceChildren(broken(error));
    return;
  }
  begin(diagram);
  bar.attach(diagram, { narrow, keeper });
  if (narrow) touch(diagram);
  if (!narrow) {
    diagram.on('commandStack.changed', ({ trigger }) => {
      if (trigger === 'clear') return;
      keeper.changed();
      findings.soon();
    });
    watchful(keeper);
    others({ server, path, me, keeper, bar, say });
  }
  findings.soon(0);
  // the panel listens from its first frame on
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (wanted) select(diagram, wanted);
  root.studio = { diagram, keeper, findings, say, another: () => modeler(h('div'), h('div'), studio) };
  root.dataset.ready = 'yes';

  function told(state, problem) {
    bar.told(state, problem);
    if (state === 'taken') void asks.conflict(problem);
  }

  function broken(error) {
    return h(
      'div',
      { class: 'studio-broken' },
      h('h2', {}, say('This file cannot be drawn')),
      h('p', {}, error.message),
      h('p', {}, h('a', { class: 'btn', href: addresses.text }, say('Open it as text'))),
    );
  }
}

function build(root, say) {
  const bar = h('div', { class: 'studio-bar', role: 'toolbar', 'aria-label': say('Diagram') });
  const canvas = h('div', { class: 'studio-canvas' });
  const findings = h('section', { class: 'studio-findings', 'aria-label': say('Findings') });
  const panel = h('aside', { class: 'studio-panel', 'aria-label': say('Properties') });
  root.replaceChildren(bar, h('div', { class: 'studio-body' }, h('div', { class: 'studio-drawing' }, canvas, findings), panel));
  fill(root);
  return { bar, canvas, findings, panel };
}

start().catch((error) => {
  const root = document.getElementById('studio');
  const say = wordsOf(root.dataset.locale ?? 'zh');
  root.querySelector('.studio-canvas')?.replaceChildren(
    h('div', { class: 'studio-broken' }, h('h2', {}, say('The diagram could not be opened')), h('p', {}, error.message), h('p', {}, h('a', { class: 'btn', href: location.href }, say('Try again')))),
  );
  // the text of the error belongs in the console, for whoever is asked for help
  console.error(error);
});
