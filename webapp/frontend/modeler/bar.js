// The bar over the diagram: what can be done with the whole of it.
import { fit } from './diagram.js';
import { Head } from '../page/head.js';
import { copyPicture, saveDiagram, savePicture } from './picture.js';

export class Bar extends Head {
  attach(diagram, { narrow, keeper }) {
    const { say, name } = this;
    this.tool('zoom-out', say('Smaller'), () => diagram.get('zoomScroll').stepZoom(-1));
    this.tool('zoom-in', say('Larger'), () => diagram.get('zoomScroll').stepZoom(1));
    this.tool('eye', say('Whole diagram'), () => fit(diagram));
    if (narrow) return;
    // not during the click itself, for the search is closed by every click outside
    this.tool('search', say('Search in diagram'), () => setTimeout(() => diagram.get('searchPad').open()));
    const able = this.steps(() => diagram.get('commandStack'));
    diagram.on('commandStack.changed', able);
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
    const watch = new MutationObserver((changes) => {
      for (const { addedNodes, target } of changes) for (const node of [target, ...addedNodes]) if (node instanceof Element) translate(node);
    });
    translate(container);
    // what comes later comes while it runs; at any other time a large diagram would be looked through in vain
    diagram.on('tokenSimulation.toggleMode', ({ active }) => {
      watch.disconnect();
      if (!active) return;
      translate(container);
      watch.observe(container, { childList: true, subtree: true });
    });
  }
}

const SIMULATION = new Set([
  ...['Token Simulation', 'Toggle Simulation Log', 'No Entries', 'Reset Simulation', 'Found unsupported elements', 'Not supported', 'Simulation Log'],
  ...['Play/Pause Simulation', 'Pause Simulation', 'Play Simulation', 'Set Sequence Flow', 'Remove pause point', 'Add pause point', 'Trigger Event'],
  ...['Finished', 'Process', 'SubProcess', 'Task', 'Close'],
]);
