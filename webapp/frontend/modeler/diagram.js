// The modeler of bpmn.io with what belongs to a procedure, and the viewer for screens too small to draw on.
import { CloudElementTemplatesPropertiesProviderModule } from 'bpmn-js-element-templates';
import { BpmnPropertiesPanelModule, BpmnPropertiesProviderModule, ZeebePropertiesProviderModule } from 'bpmn-js-properties-panel';
import { CreateAppendAnythingModule, CreateAppendElementTemplatesModule } from 'bpmn-js-create-append-anything';
import Modeler from 'bpmn-js/lib/Modeler';
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import TokenSimulation from 'bpmn-js-token-simulation';
import CloudBehaviors from 'camunda-bpmn-js-behaviors/lib/camunda-cloud';
import Grid from 'diagram-js-grid';
import Minimap from 'diagram-js-minimap';
import zeebe from 'zeebe-bpmn-moddle/resources/zeebe.json';
import { functions } from '../words/functions.js';
import { OurMenus } from './menus.js';
import { OurProperties } from './provider.js';
import { VariablesOfCheck } from './variables.js';

const FONT = 'system-ui, "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';
const LOOK = {
  bpmnRenderer: { defaultFillColor: '#ffffff', defaultStrokeColor: '#2b3a47', defaultLabelColor: '#1b2733' },
  textRenderer: { defaultStyle: { fontFamily: FONT }, externalStyle: { fontFamily: FONT } },
};

/** A modeler in `canvas` with its properties in `panel`; `studio` holds say, catalogue, addresses and findings. */
export function modeler(canvas, panel, studio) {
  const { say } = studio;
  // see repairs.mjs: some fields of the panel are handed neither words nor functions
  Object.assign(globalThis, { studioSays: say, studioFunctions: functions(say) });
  const made = new Modeler({
    container: canvas,
    propertiesPanel: { parent: panel, feelPopupContainer: document.body },
    moddleExtensions: { zeebe },
    ...LOOK,
    additionalModules: [
      BpmnPropertiesPanelModule,
      BpmnPropertiesProviderModule,
      ZeebePropertiesProviderModule,
      CloudElementTemplatesPropertiesProviderModule,
      CloudBehaviors,
      CreateAppendAnythingModule,
      CreateAppendElementTemplatesModule,
      TokenSimulation,
      Grid,
      Minimap,
      {
        __init__: ['ourProperties', 'ourMenus'],
        studio: ['value', studio],
        translate: ['value', say],
        variableResolver: ['type', VariablesOfCheck],
        ourProperties: ['type', OurProperties],
        ourMenus: ['type', OurMenus],
      },
    ],
  });
  made.get('elementTemplatesLoader').setTemplates(studio.catalogue.templates ?? []);
  return made;
}

export const viewer = (canvas, { say }) =>
  new NavigatedViewer({ container: canvas, moddleExtensions: { zeebe }, ...LOOK, additionalModules: [{ translate: ['value', say] }] });

/** Brings an element into view and selects it; the diagram's own ground where it is not drawn itself. */
export function select(diagram, id) {
  const [canvas, registry, selection] = [diagram.get('canvas'), diagram.get('elementRegistry'), diagram.get('selection')];
  const element = registry.get(id);
  const root = (element && canvas.findRoot(element)) || canvas.getRootElement();
  if (root !== canvas.getRootElement()) canvas.setRootElement(root);
  if (element && element !== root) {
    const { clientWidth: width, clientHeight: height } = canvas.getContainer();
    const room = (wanted, size) => Math.min(wanted, Math.round(size / 4));
    // beside the palette, and with the menu of the element in view
    canvas.scrollToElement(element, { top: room(120, height), bottom: room(160, height), left: room(160, width), right: room(240, width) });
    selection.select(element);
  } else selection.select(null);
}

/** The whole diagram, but never larger than life. */
export function fit(diagram) {
  const canvas = diagram.get('canvas');
  canvas.zoom('fit-viewport', 'auto');
  if (canvas.zoom() > 1) canvas.zoom(1, 'auto');
}

/** What can be read on a screen: where a whole diagram would be too small, its beginning. */
export function begin(diagram) {
  const canvas = diagram.get('canvas');
  fit(diagram);
  if (canvas.zoom() >= 0.5) return;
  const { inner } = canvas.viewbox();
  canvas.zoom(0.7);
  const { width, height } = canvas.viewbox();
  const start = diagram.get('elementRegistry').find((element) => element.type === 'bpmn:StartEvent' && !element.labelTarget);
  const top = start ? start.y + start.height / 2 - height / 2 : inner.y - 40;
  const y = Math.max(inner.y - 40, Math.min(top, inner.y + inner.height - height + 40));
  const palette = diagram.get('palette', false) ? 130 : 16;
  canvas.viewbox({ x: inner.x - palette, y, width, height });
}
