// What the file holds, one beside the other: how its decisions hang together, and each of them.
import { containsDi } from 'dmn-js-shared/lib/util/DiUtil';
import { button, h, icon } from '../page/elements.js';

export class Views {
  constructor(root, tables, say, opened) {
    Object.assign(this, { root, tables, say, opened });
    tables.on('views.changed', ({ views, activeView }) => this.draw(views, activeView));
  }

  draw(views, active) {
    this.root.replaceChildren(
      // what was never drawn cannot be shown as a drawing
      ...views.filter(({ type, element }) => type !== 'drd' || containsDi(element)).map((view) =>
        button(
          { role: 'tab', class: 'studio-tab', 'aria-selected': String(view.id === active?.id && view.type === active?.type), onclick: () => void this.tables.open(view) },
          view.type === 'drd' ? icon('eye') : null,
          h('span', {}, view.type === 'drd' ? this.say('How they hang together') : view.name || view.id),
        ),
      ),
    );
    this.root.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.opened();
  }
}
