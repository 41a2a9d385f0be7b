// The editor of decisions of bpmn.io in the person's language, and the way to a rule.
import Modeler from 'dmn-js/lib/Modeler';
import NavigatedViewer from 'dmn-js/lib/NavigatedViewer';

const KINDS = ['drd', 'decisionTable', 'literalExpression', 'boxedExpression'];

function options(container, say) {
  const words = { translate: ['value', say] };
  return { container, ...Object.fromEntries(KINDS.map((kind) => [kind, { additionalModules: [words] }])) };
}

export const editor = (container, say) => new Modeler(options(container, say));
export const viewer = (container, say) => new NavigatedViewer(options(container, say));

/** Opens the decision that holds the element of this id, and lights its rule up. */
export async function reveal(tables, id) {
  const view = tables.getViews().find(({ element }) => element.drgElement === undefined && holds(element, id)) ?? tables.getViews().find(({ element }) => holds(element, id));
  if (!view) return;
  if (tables.getActiveView()?.id !== view.id) await tables.open(view);
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  light(tables, [id]);
}

/** Lights up rules or cells by id, and nothing else. */
export function light(tables, ids) {
  const container = tables._container;
  for (const lit of container.querySelectorAll('.studio-lit')) lit.classList.remove('studio-lit');
  const wanted = ids.map((id) => CSS.escape(id));
  const cells = wanted.flatMap((id) => [...container.querySelectorAll(`[data-row-id="${id}"], [data-element-id="${id}"], [data-col-id="${id}"]`)]);
  for (const cell of cells) cell.classList.add('studio-lit');
  cells[0]?.scrollIntoView({ block: 'center', inline: 'nearest' });
}

function holds(element, id) {
  if (!element || typeof element !== 'object' || element.$type === undefined) return false;
  if (element.id === id) return true;
  const { propertiesByName } = element.$descriptor;
  return Object.entries(element).some(([name, value]) => {
    if (name.startsWith('$') || propertiesByName[name]?.isReference) return false;
    return Array.isArray(value) ? value.some((each) => holds(each, id)) : holds(value, id);
  });
}
