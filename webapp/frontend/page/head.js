// The head of every editor: is it saved, who else is here, and room for tools.
import { button, clock, h, icon } from './elements.js';

export class Head {
  constructor(root, { say, path }) {
    Object.assign(this, { say, path });
    this.name = path.split('/').pop().replace(/\.[^.]+$/, '');
    this.state = h('span', { class: 'studio-state', role: 'status' });
    this.here = h('span', { class: 'studio-people' });
    this.note = h('span', { class: 'studio-news', role: 'status' });
    this.tools = h('span', { class: 'studio-tools' });
    root.append(this.state, this.here, this.note, this.tools);
  }

  told(state, problem) {
    const { say } = this;
    const said = {
      saved: () => [icon('circle-check'), say('Saved {time}', { time: clock(new Date(), say.locale) })],
      changed: () => [icon('pencil'), say('Not saved yet')],
      saving: () => [icon('refresh'), say('Saving …')],
      away: () => [icon('alert-triangle'), say('The server cannot be reached. Your changes are kept in this browser and sent as soon as it is back.')],
      out: () => [icon('alert-triangle'), say('Your log-in has ended; this page goes on once you are logged in again.'), h('a', { href: '/log-in', target: '_blank' }, say('Log in'))],
      refused: () => [icon('alert-triangle'), say('Not saved: {reason}', { reason: problem?.detail || problem?.title || '' })],
      taken: () => [icon('alert-triangle'), say('Somebody else saved this file meanwhile')],
    };
    this.state.className = `studio-state is-${state}`;
    this.state.replaceChildren(...said[state]());
  }

  /** A way back to a question that was put off. */
  decide(again) {
    this.note.replaceChildren(button({ class: 'btn btn-sm', onclick: () => (this.note.replaceChildren(), again()) }, this.say('Decide')));
  }

  /** Each of the others once: in this file, or where else in the procedure. */
  people(list) {
    const first = new Map();
    for (const each of [...list].sort((a, b) => (b.path === this.path) - (a.path === this.path))) if (!first.has(each.id)) first.set(each.id, each);
    this.here.replaceChildren(
      ...[...first.values()].map(({ name, path }) =>
        path === this.path
          ? h('span', { class: 'badge tag-amber' }, icon('user'), this.say('{name} is editing too', { name }))
          : h('span', { class: 'badge tag-grey' }, icon('user'), this.say('{name} is editing {path}', { name, path })),
      ),
    );
  }

  newer() {
    this.note.replaceChildren(
      icon('info-circle'),
      this.say('There is a newer version of this file.'),
      button({ class: 'btn btn-sm', onclick: () => location.reload() }, this.say('Open it')),
    );
  }

  tell(text) {
    this.note.replaceChildren(text);
    setTimeout(() => this.note.textContent === text && this.note.replaceChildren(), 4000);
  }

  tool(drawn, label, act) {
    const made = button({ class: 'studio-tool', title: label, 'aria-label': label, onclick: act }, icon(drawn));
    this.tools.append(made);
    return made;
  }

  /** Undo and redo of the command stack that `stack` gives; what is returned says anew whether there is anything to undo or redo. */
  steps(stack) {
    const step = (label, way) => this.tool('arrow-back-up', this.say(label), () => stack()?.[way]());
    const [undo, redo] = [step('Undo', 'undo'), step('Redo', 'redo')];
    redo.classList.add('is-mirrored');
    this.tools.prepend(undo, redo);
    const able = () => {
      undo.disabled = !stack()?.canUndo();
      redo.disabled = !stack()?.canRedo();
    };
    able();
    return able;
  }

  /** Nothing is saved here. */
  look(text) {
    this.state.replaceChildren(icon('eye'), text);
  }

  menu(drawn, label, entries) {
    const box = h('details', { class: 'menu studio-menu' });
    const close = (act) => () => {
      box.open = false;
      void act();
    };
    box.append(
      h('summary', { class: 'studio-tool', title: label, 'aria-label': label }, icon(drawn)),
      h('div', { class: 'menu-card' }, ...entries.map(([text, act]) => button({ class: 'menu-item', onclick: close(act) }, text))),
    );
    document.addEventListener('click', (event) => box.contains(event.target) || (box.open = false));
    return box;
  }
}
