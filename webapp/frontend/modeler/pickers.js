// Choices among what exists: forms, decision tables, processes and operations of the catalogue.
import { getBusinessObject, is, isAny } from 'bpmn-js/lib/util/ModelUtil';
import { choice, expression, note, options, text } from './entries.jsx';
import { change, extension, property } from './extensions.js';

const FORM = 'zeebe:FormDefinition';
const DECISION = 'zeebe:CalledDecision';
const CALLED = 'zeebe:CalledElement';
const TASK = 'zeebe:TaskDefinition';

const label = (name, id) => (name && name !== id ? `${name} · ${id}` : id);

export function formGroup(element, { injector, say, catalogue, addresses }) {
  if (is(element, 'bpmn:StartEvent') && !is(getBusinessObject(element).$parent, 'bpmn:Process')) return null;
  const current = () => extension(element, FORM)?.formId ?? '';
  const form = catalogue.forms.find(({ id }) => id === current());
  return {
    id: 'form',
    label: say('Form'),
    entries: [
      choice({
        id: 'form-id',
        label: say('Form that is filled in'),
        get: current,
        set: (formId) => change(injector, element, { extensions: { [FORM]: formId ? { formId, formKey: undefined, externalReference: undefined } : null } }),
        options: () => options(say, catalogue.forms.map(({ id, title }) => ({ value: id, label: label(title, id) })), current()),
      }),
      form?.file && note({ id: 'form-open', text: say('Open the form'), href: addresses.edit(form.file) }),
    ],
  };
}

export function decisionGroup(element, { injector, say, catalogue, addresses }) {
  const called = () => extension(element, DECISION);
  const set = (attributes) => change(injector, element, { extensions: { [DECISION]: attributes } });
  const table = catalogue.decisions.find(({ id }) => id === called()?.decisionId);
  if (extension(element, TASK)) return null;
  return {
    id: 'decision',
    label: say('Decision'),
    entries: [
      choice({
        id: 'decision-id',
        label: say('Decision table'),
        get: () => called()?.decisionId ?? '',
        set: (decisionId) => set(decisionId ? { decisionId, resultVariable: called()?.resultVariable || 'result' } : null),
        options: () => options(say, catalogue.decisions.map(({ id, name }) => ({ value: id, label: label(name, id) })), called()?.decisionId),
      }),
      table && note({ id: 'decision-open', text: say('Open the table'), href: addresses.edit(table.file) }),
      called() && text({ id: 'decision-result', label: say('Result goes into'), get: () => called()?.resultVariable, set: (resultVariable) => set({ resultVariable: resultVariable || undefined }) }),
    ],
  };
}

export function calledGroup(element, { injector, say, catalogue, addresses }) {
  const current = () => extension(element, CALLED)?.processId ?? '';
  const called = catalogue.processes.find(({ id }) => id === current());
  return {
    id: 'called',
    label: say('Called process'),
    entries: [
      choice({
        id: 'called-process',
        label: say('Process'),
        get: current,
        set: (processId) => change(injector, element, { extensions: { [CALLED]: { processId: processId || undefined } } }),
        options: () => options(say, catalogue.processes.map(({ id, name }) => ({ value: id, label: label(name, id) })), current()),
      }),
      called?.file && note({ id: 'called-open', text: say('Open its diagram'), href: addresses.edit(called.file) }),
    ],
  };
}

/** Where an operation is called: its name among those the connectors offer. */
export function operationGroup(element, { injector, say, catalogue }) {
  const events = getBusinessObject(element).get('eventDefinitions') ?? [];
  const throws = isAny(element, ['bpmn:IntermediateThrowEvent', 'bpmn:EndEvent']) && events.some((each) => is(each, 'bpmn:MessageEventDefinition'));
  const perhaps = isAny(element, ['bpmn:ScriptTask', 'bpmn:BusinessRuleTask']) && extension(element, TASK);
  if (!isAny(element, ['bpmn:ServiceTask', 'bpmn:SendTask']) && !throws && !perhaps) return null;
  const current = () => extension(element, TASK)?.type ?? '';
  const set = (attributes) => change(injector, element, { extensions: { [TASK]: attributes } });
  const described = catalogue.operations.find(({ name }) => name === current());
  const called = (operation) => (say.chinese ? operation.label : operation.label_en) || operation.label;
  const about = described && ((say.chinese ? described.description : described.description_en) || described.description);
  return {
    id: 'operation',
    label: say('Operation'),
    entries: [
      choice({
        id: 'operation-name',
        label: say('What is done'),
        get: current,
        set: (name) => choose(name),
        options: () => options(say, catalogue.operations.map((each) => ({ value: each.name, label: label(called(each), each.name) })), current()),
      }),
      about && note({ id: 'operation-about', text: about }),
      extension(element, TASK) &&
        expression({ id: 'operation-retries', label: say('Attempts'), get: () => extension(element, TASK)?.retries, set: (retries) => set({ retries: retries || undefined }) }),
    ],
  };

  /** A task that says nothing yet gets all fields of the operation by its template; one that does keeps them. */
  function choose(name) {
    const templates = injector.get('elementTemplates');
    const template = templates.getLatest().find(({ properties }) => properties.some(({ type, value, binding }) => type === 'Hidden' && value === name && /^zeebe:taskDefinition/.test(binding.type)));
    const blank = !extension(element, 'zeebe:IoMapping') && !extension(element, 'zeebe:TaskHeaders');
    if (template && blank && isAny(element, ['bpmn:ServiceTask', 'bpmn:SendTask'])) templates.applyTemplate(element, template);
    else set(name ? { type: name, retries: extension(element, TASK)?.retries ?? String(catalogue.operations.find((each) => each.name === name)?.retries ?? 3) } : null);
  }
}

/** What a case that ends here is counted as. */
export function outcomeGroup(element, { injector, say }) {
  if (!is(getBusinessObject(element).$parent, 'bpmn:Process')) return null;
  return {
    id: 'outcome',
    label: say('Outcome'),
    entries: [
      text({
        id: 'outcome-key',
        label: say('The case ends as'),
        description: say('A short word such as dismissed, rejected or withdrawn. Empty: completed.'),
        get: () => property(element, 'wf.outcome'),
        set: (value) => change(injector, element, { properties: { 'wf.outcome': value } }),
      }),
    ],
  };
}
