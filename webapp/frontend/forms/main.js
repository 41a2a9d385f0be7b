// The page on which a form of a draft is edited. Its template says which procedure and file.
import './forms.css';
import { Findings } from '../modeler/findings.js';
import { Head } from '../modeler/head.js';
import { Keeper } from '../modeler/keeper.js';
import { button, fill, h, icon } from '../modeler/page.js';
import { questions, watchful } from '../modeler/saving.js';
import { Server } from '../modeler/server.js';
import { others } from '../modeler/together.js';
import { wordsOf } from '../words/words.js';
import zh from '../words/zh-forms.js';
import { editor } from './editor.js';
import { Preview } from './preview.js';
import { translated } from './words.js';

const NARROW = '(max-width: 760px)';

/** The findings as a list. Each names its component between quotes, as a chosen one is found by. */
class FormFindings extends Findings {
  choose({ message }) {
    // the form itself is named first
    for (const [, name] of [...message.matchAll(/[“"]([^”"]+)[”"]/g)].slice(1)) if (this.chosen(name)) return;
  }

  light() {}
  mark() {}
}

async function start() {
  const root = document.getElementById('studio');
  const { procedure, path, locale = 'zh', base, csrf, text } = root.dataset;
  const say = wordsOf(locale, zh);
  const server = new Server(base, csrf);
  const parts = build(root, say);
  const narrow = matchMedia(NARROW).matches;
  root.classList.toggle('is-narrow', narrow);
  const asked = { draft: server.draft(), file: server.read(path) };
  const preview = new Preview(parts.phone, { base, path, token: csrf, say, text: () => keeper.current() });
  parts.turned = (shown) => preview.look(shown);
  const findings = new FormFindings({ server, path, say, root: parts.findings, text: () => keeper.current(), chosen });
  const bar = new Head(parts.bar, { say, path });
  const keeper = new Keeper({
    server,
    path,
    key: '',
    write: async () => written(forms.saveSchema(), begun.text),
    told: (state, problem) => {
      bar.told(state, problem);
      if (state === 'taken') void asks.conflict(problem);
    },
  });
  const { me } = await asked.draft;
  const asks = questions({ say, server, path, keeper, bar, me });
  keeper.key = `partwell-draft:${me.id}:${procedure}:${path}`;
  const opened = await asked.file;
  const left = narrow ? null : keeper.left(opened.text);
  const taken = left && (await asks.takeLeft(left)) ? left : null;
  if (left && !taken) keeper.forget();
  const begun = taken ?? opened;
  keeper.opened(begun.text, begun.revision);
  if (taken) keeper.changed();

  const forms = editor(parts.canvas, parts.panel, say);
  try {
    await forms.importSchema(JSON.parse(begun.text));
  } catch (error) {
    parts.canvas.replaceChildren(broken(error));
    return;
  }
  translated([parts.canvas, parts.panel], say);
  const stack = forms.get('commandStack');
  const step = (label, way) => (narrow ? {} : bar.tool('arrow-back-up', say(label), () => stack[way]()));
  const [undo, redo] = [step('Undo', 'undo'), step('Redo', 'redo')];
  redo.classList?.add('is-mirrored');
  const able = () => {
    undo.disabled = !stack.canUndo();
    redo.disabled = !stack.canRedo();
  };
  able();
  forms.on('commandStack.changed', () => {
    able();
    keeper.changed();
    findings.soon();
    preview.soon();
  });
  if (narrow) {
    bar.state.replaceChildren(icon('eye'), say('To look at. Change it on a larger screen.'));
    preview.look(true);
  } else {
    watchful(keeper);
    others({ server, path, me, keeper, bar });
  }
  findings.soon(0);
  root.studio = { forms, keeper, findings, preview, say };
  root.dataset.ready = 'yes';

  /** Selects the component that is called so by its key, path, name or id; false where none is. */
  function chosen(name) {
    const found = forms.get('formFieldRegistry').getAll().find(({ key, path: place, label, id, type }) => type !== 'default' && [key, place, label, id].some((each) => each && (each === name || name.endsWith(`.${each}`))));
    if (found) forms.get('selection').set(found);
    return Boolean(found);
  }

  function broken(error) {
    return h(
      'div',
      { class: 'studio-broken' },
      h('h2', {}, say('This form cannot be shown')),
      h('p', {}, error.message),
      h('p', {}, h('a', { class: 'btn', href: text }, say('Open it as text'))),
    );
  }
}

/** The form as text, laid out as the file was. */
function written(schema, before) {
  const space = /^\s*[{[]\r?\n( +|\t)/.exec(before)?.[1] ?? '  ';
  return JSON.stringify(schema, null, space) + (before.endsWith('\n') ? '\n' : '');
}

function build(root, say) {
  const bar = h('div', { class: 'studio-bar', role: 'toolbar', 'aria-label': say('Form') });
  const canvas = h('div', { class: 'studio-canvas studio-form' });
  const findings = h('section', { class: 'studio-findings', 'aria-label': say('Findings') });
  const panel = h('div', { class: 'studio-properties' });
  const phone = h('div', { class: 'studio-preview', hidden: true });
  const parts = { bar, canvas, findings, panel, phone };
  const tab = (name, shown) => button({ class: 'studio-tab', role: 'tab', 'aria-selected': String(!shown), onclick: () => turn(shown) }, say(name));
  const tabs = [tab('Properties', false), tab('Preview', true)];
  const turn = (shown) => {
    tabs.forEach((each, at) => each.setAttribute('aria-selected', String(shown === (at === 1))));
    [panel.hidden, phone.hidden] = [shown, !shown];
    root.classList.toggle('is-previewing', shown);
    parts.turned?.(shown);
  };
  const side = h('aside', { class: 'studio-panel', 'aria-label': say('Properties') }, h('div', { class: 'studio-tabs', role: 'tablist', 'aria-label': say('Properties') }, ...tabs), panel, phone);
  root.replaceChildren(bar, h('div', { class: 'studio-body' }, h('div', { class: 'studio-drawing' }, canvas, findings), side));
  fill(root);
  if (matchMedia(NARROW).matches) turn(true);
  return parts;
}

start().catch((error) => {
  const root = document.getElementById('studio');
  const say = wordsOf(root.dataset.locale ?? 'zh', zh);
  root.querySelector('.studio-canvas')?.replaceChildren(
    h('div', { class: 'studio-broken' }, h('h2', {}, say('The form could not be opened')), h('p', {}, error.message), h('p', {}, h('a', { class: 'btn', href: location.href }, say('Try again')))),
  );
  // the text of the error belongs in the console, for whoever is asked for help
  console.error(error);
});
