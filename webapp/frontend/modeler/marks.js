// What the check found, at the elements it speaks of.
import { button, h, icon } from '../page/elements.js';
import { Findings, ICONS } from '../page/findings.js';

export class Marks extends Findings {
  /** Marks in this modeler or viewer from now on. */
  draw(diagram) {
    this.diagram = diagram;
  }

  show() {
    super.show();
    this.mark();
  }

  choose(finding) {
    this.light(finding.path ?? finding.way ?? []);
    super.choose(finding);
  }

  /** Lights the way a finding speaks of. */
  light(way) {
    const [canvas, registry] = [this.diagram.get('canvas'), this.diagram.get('elementRegistry')];
    for (const id of this.lit ?? []) if (registry.get(id)) canvas.removeMarker(id, 'studio-way');
    const between = way.slice(1).flatMap((id, at) => registry.get(way[at])?.outgoing?.filter((flow) => flow.target?.id === id).map((flow) => flow.id) ?? []);
    this.lit = [...way, ...between].filter((id) => registry.get(id));
    for (const id of this.lit) canvas.addMarker(id, 'studio-way');
  }

  mark() {
    const [overlays, registry] = [this.diagram.get('overlays'), this.diagram.get('elementRegistry')];
    overlays.remove({ type: 'studio-finding' });
    const at = new Map();
    for (const each of this.found) at.set(each.element, [...(at.get(each.element) ?? []), each]);
    for (const [id, found] of at) {
      const element = id && registry.get(id);
      if (!element || element === this.diagram.get('canvas').getRootElement()) continue;
      const worst = found[0].severity;
      const mark = button(
        { class: `studio-mark is-${worst}`, title: found.map((each) => each.message).join('\n'), onclick: () => (this.open(true), this.choose(found[0])) },
        icon(ICONS[worst]),
        h('span', { class: 'visually-hidden' }, found.map((each) => each.message).join('\n')),
        found.length > 1 ? h('span', {}, String(found.length)) : null,
      );
      const middle = element.waypoints?.[Math.floor((element.waypoints.length - 1) / 2)];
      const position = middle ? { left: 0, top: 0 } : { top: -12, left: -12 };
      overlays.add(id, 'studio-finding', { position, html: mark, scale: { min: 0.8, max: 1.2 }, show: { minZoom: 0.2 } });
    }
  }
}
