// The bar over the diagram: is it saved, who else is here, and what can be done with the whole diagram.
import { fit } from './diagram.js';
import { button, clock, h, icon } from './page.js';
import { copyPicture, saveDiagram, savePicture } from './picture.js';

export class Bar {
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

  attach(diagram, { narrow, keeper }) {
    const { say, name } = this;
    this.tool('zoom-out', say('Smaller'), () => diagram.get('zoomScroll').stepZoom(-1));
    this.tool('zoom-in', say('Larger'), () => diagram.get('zoomScroll').stepZoom(1));
    this.tool('eye', say('Whole diagram'), () => fit(diagram));
    if (narrow) {
      this.state.replaceChildren(icon('eye'), say('To look at. Draw on a larger screen.'));
      return;
    }
    const stack = diagram.get('commandStack');
    const undo = this.tool('arrow-back-up', say('Undo'), () => stack.undo(), 'first');
    const redo = this.tool('arrow-back-up', say('Redo'), () => stack.redo(), 'first');
    redo.classList.add('is-mirrored');
    this.tools.prepend(undo, redo);
    const able = () => {
      undo.disabled = !stack.canUndo();
      redo.disabled = !stack.canRedo();
    };
    diagram.on('commandStack.changed', able);
    able();
    const play = this.tool('player-play', say('Play through with tokens'), () => diagram.get('toggleMode').toggleMode());
    play.setAttribute('aria-pressed', 'false');
    diagram.on('tokenSimulation.toggleMode', ({ active }) => {
      play.setAttribute('aria-pressed', String(active));
      document.getElementById('studio').classList.toggle('is-playing', active);
    });
    this.translateSimulation(diagram);
    this.tools.append(
      this.menu('download', say('Picture and file'), [
        [say('Copy as a picture'), async () => this.tell((await copyPicture(diagram, name)) ? say('Copied.') : say('This browser cannot copy pictures; it was saved as a file.'))],
        [say('Picture (PNG)'), () => savePicture(diagram, name, 'png')],
        [say('Picture (SVG)'), () => savePicture(diagram, name, 'svg')],
        [say('Diagram (BPMN file)'), async () => saveDiagram(await keeper.current(), name)],
      ]),
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

  /** The simulation's own words stand in its code: they are replaced as they come. */
  translateSimulation(diagram) {
    const { say } = this;
    if (!say.chinese) return;
    const known = (text) => {
      const speed = /^Set animation speed = (.*)$/.exec(text);
      if (speed) return say('Set animation speed = {speed}', { speed: speed[1] });
      const scope = /^Focus process instance (.*)$/.exec(text);
      if (scope) return say('Focus process instance {id}', { id: scope[1] });
      const plain = text.trim();
      return SIMULATION.has(plain) || /^(\w+ )*(Started|Finished|Task|Event|Gateway|Activity)$/.test(plain) ? text.replace(plain, say(plain)) : text;
    };
    const translate = (node) => {
      const places = [node, ...node.querySelectorAll('*')].filter((each) => each.closest('[class*="bts-"]'));
      for (const place of places) {
        for (const name of ['title', 'aria-label']) {
          const said = place.getAttribute(name);
          if (said && known(said) !== said) place.setAttribute(name, known(said));
        }
        for (const text of place.childNodes) {
          if (text.nodeType === Node.TEXT_NODE && text.data.trim() && known(text.data) !== text.data) text.data = known(text.data);
        }
      }
    };
    const container = diagram.get('canvas').getContainer().parentNode;
    translate(container);
    new MutationObserver((changes) => {
      for (const { addedNodes, target } of changes) for (const node of [target, ...addedNodes]) if (node instanceof Element) translate(node);
    }).observe(container, { childList: true, subtree: true });
  }
}

const SIMULATION = new Set([
  ...['Token Simulation', 'Toggle Simulation Log', 'No Entries', 'Reset Simulation', 'Found unsupported elements', 'Not supported', 'Simulation Log'],
  ...['Play/Pause Simulation', 'Pause Simulation', 'Play Simulation', 'Set Sequence Flow', 'Remove pause point', 'Add pause point', 'Trigger Event'],
  ...['Finished', 'Process', 'SubProcess', 'Task', 'Close'],
]);
