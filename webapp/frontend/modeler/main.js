// The page on which a diagram of a draft is drawn. Its template says which procedure and file; all else comes from the server.
import './modeler.css';
import { Editor } from '../page/editor.js';
import { h } from '../page/elements.js';
import { Bar } from './bar.js';
import { begin, modeler, select, viewer } from './diagram.js';
import { Marks } from './marks.js';
import { touch } from './touch.js';

const EMPTY = { operations: [], templates: [], chains: [], roles: [], forms: [], decisions: [], processes: [], calendars: [] };

class Diagram extends Editor {
  says = {
    name: 'Diagram',
    unreadable: 'This file cannot be drawn',
    failed: 'The diagram could not be opened',
    narrow: 'To look at. Draw on a larger screen.',
  };

  head() {
    return new Bar(this.parts.bar, this);
  }

  list() {
    return new Marks(this.listed());
  }

  async load() {
    this.catalogue = { ...EMPTY, ...(await this.server.catalogue()) };
  }

  async make() {
    const { parts, say, narrow, server, asText, root, catalogue, findings } = this;
    const { chains } = root.dataset;
    const addresses = {
      // only for whoever may open the chains
      chain: (key) => chains && `${chains}/${encodeURIComponent(key)}`,
      edit: (file) => `${server.base}/edit/${file.split('/').map(encodeURIComponent).join('/')}`,
      text: asText,
    };
    const studio = { say, addresses, catalogue, findings };
    this.diagram = narrow ? viewer(parts.canvas, studio) : modeler(parts.canvas, parts.panel, studio);
    this.another = () => modeler(h('div'), h('div'), studio);
    findings.draw(this.diagram);
  }

  async open(text) {
    await this.diagram.importXML(text);
  }

  async written() {
    return (await this.diagram.saveXML({ format: true })).xml;
  }

  async opened() {
    const { diagram, bar, keeper, narrow } = this;
    begin(diagram);
    bar.attach(diagram, { narrow, keeper });
    if (narrow) touch(diagram);
    else diagram.on('commandStack.changed', ({ trigger }) => trigger !== 'clear' && this.changed());
    // the panel listens from its first frame on
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  }

  reveal(id) {
    select(this.diagram, id);
  }
}

void new Diagram().start();
