// What the properties panel offers: our groups, and of the others only what is carried out here.
import { getBusinessObject, is, isAny } from 'bpmn-js/lib/util/ModelUtil';
import { Group } from '@bpmn-io/properties-panel';
import { approvalGroup, englishName, permissionsGroup } from './approval.js';
import { timerEntries } from './limits.js';
import { calledGroup, decisionGroup, formGroup, operationGroup, outcomeGroup } from './pickers.js';

/** Groups whose settings nobody here carries out, and that the check refuses or notes as without effect. */
const NOT_HERE = new Set([
  'Zeebe__ExecutionListeners',
  'Zeebe__TaskListeners',
  'Zeebe__ExtensionProperties', // ours are among them, each with a field of its own
  'userTaskImplementation',
  'adHocSubProcessImplementation',
  'adHocCompletion',
  'activeElements',
  'outputCollection',
  'event-condition',
  'scriptImplementation',
  'businessRuleImplementation',
]);
const NO_ENTRIES = new Set(['versionTag', 'bindingType', 'isExecutable', 'processDocumentation', 'jobPriorityDefinitionPriority']);
/** Where our group stands instead of the panel's. */
const REPLACED = new Set(['assignmentDefinition', 'form', 'calledDecision', 'calledElement', 'taskDefinition']);
/** An operation is picked by its name; the head of its template says which it is, and lets go of it. */
const TEMPLATE = 'ElementTemplates__Template';
const templated = (element) => !!getBusinessObject(element).get?.('modelerTemplate');
/** What one looks for first; the rest opens on a click. */
const OPEN = new Set(['general', 'approval', 'operation', 'form', 'decision', 'called', 'timer', 'condition', 'outcome']);
const ORDER = [
  ...['general', TEMPLATE, 'approval', 'operation', 'form', 'permissions', 'decision', 'called', 'timer', 'condition'],
  ...['message', 'signal', 'error', 'escalation', 'link', 'compensation', 'script', 'outcome', 'inputPropagation', 'inputs'],
  ...['outputPropagation', 'outputs', 'headers', 'multiInstance', 'documentation'],
];

export class OurProperties {
  constructor(propertiesPanel, injector, studio) {
    this.given = { injector, ...studio };
    // after all others, which have a higher number
    propertiesPanel.registerProvider(200, this);
  }

  getGroups(element) {
    return (groups) => {
      const own = this.groups(element);
      const fits = { [TEMPLATE]: templated, headers: headersBelong };
      const offered = ({ id }) => !NOT_HERE.has(id) && !REPLACED.has(id) && (fits[id]?.(element) ?? true);
      const kept = groups.filter(offered).map((group) => this.group(element, group));
      const all = [...kept, ...own].filter((group) => !group.entries || group.entries.length || group.component !== Group);
      const place = ({ id }) => (id.startsWith('ElementTemplates__') ? ORDER.indexOf(TEMPLATE) : ORDER.indexOf(id)) + 1 || ORDER.length;
      return all.map((group, at) => [group, at]).sort(([a, i], [b, j]) => place(a) - place(b) || i - j).map(([group]) => group);
    };
  }

  group(element, group) {
    if (!group.entries) return group;
    let entries = group.entries.filter(({ id }) => !NO_ENTRIES.has(id));
    if (group.id === 'timer') entries = timerEntries(element, entries, this.given);
    if (group.id === 'general') {
      const english = englishName(element, this.given);
      const at = entries.findIndex(({ id }) => id === 'name') + 1;
      if (english) entries.splice(at || entries.length, 0, english);
    }
    return { ...group, shouldOpen: OPEN.has(group.id) || (group.id.startsWith('ElementTemplates__') && group.id !== TEMPLATE), entries: entries.map((entry) => ({ ...entry, element })) };
  }

  groups(element) {
    const found = [];
    if (is(element, 'bpmn:UserTask')) found.push(approvalGroup(element, this.given));
    if (isAny(element, ['bpmn:UserTask', 'bpmn:StartEvent'])) found.push(formGroup(element, this.given));
    if (is(element, 'bpmn:UserTask')) found.push(permissionsGroup(element, this.given));
    if (!templated(element)) found.push(operationGroup(element, this.given));
    if (is(element, 'bpmn:BusinessRuleTask')) found.push(decisionGroup(element, this.given));
    if (is(element, 'bpmn:CallActivity')) found.push(calledGroup(element, this.given));
    if (is(element, 'bpmn:EndEvent')) found.push(outcomeGroup(element, this.given));
    return found.filter(Boolean).map((group) => ({
      component: Group,
      shouldOpen: OPEN.has(group.id),
      ...group,
      entries: group.entries.filter(Boolean).map((entry) => ({ ...entry, element })),
    }));
  }
}
OurProperties.$inject = ['propertiesPanel', 'injector', 'studio'];

/** Fixed texts for an operation belong to what calls one. */
const headersBelong = (element) => isAny(element, ['bpmn:ServiceTask', 'bpmn:SendTask', 'bpmn:ScriptTask', 'bpmn:BusinessRuleTask', 'bpmn:ThrowEvent']);
