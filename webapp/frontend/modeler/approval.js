// The group 审批: who does a user task (a chain, or an assignment, never both), by when, and what of the form they may see and write.
import { isAny } from 'bpmn-js/lib/util/ModelUtil';
import { choice, expression, note, options, text, ticks } from './entries.jsx';
import { change, extension, property } from './extensions.js';
import { dueEntries } from './limits.js';

const ASSIGNMENT = 'zeebe:AssignmentDefinition';
const PRIORITY = 'zeebe:PriorityDefinition';
/** Value of wf.field.<key> → what it says. */
const PERMISSIONS = { readonly: 'Read only', required: 'Required', hidden: 'Hidden' };

/** How the task finds who does it: '', chain, role, person or subject. Where two are named, the check says so. */
function way(element) {
  const assigned = extension(element, ASSIGNMENT);
  if (property(element, 'wf.chain') !== undefined) return 'chain';
  if (property(element, 'wf.for') === 'subject') return 'subject';
  if (assigned?.candidateGroups) return 'role';
  return assigned?.assignee || assigned?.candidateUsers ? 'person' : '';
}

/** The roles of `=["hr", "legal"]` or `hr, legal`; null where an expression gives them. */
export function listed(value = '') {
  if (!value.startsWith('=')) return value.split(',').map((each) => each.trim()).filter(Boolean);
  try {
    const list = JSON.parse(value.slice(1));
    return Array.isArray(list) && list.every((each) => typeof each === 'string') ? list : null;
  } catch {
    return null;
  }
}

export function approvalGroup(element, { injector, say, catalogue, addresses }) {
  const set = (what) => change(injector, element, what);
  const assigned = () => extension(element, ASSIGNMENT);
  const assign = (attributes) => set({ extensions: { [ASSIGNMENT]: attributes } });
  const named = (list) => list.map(({ key, name, name_en }) => ({ value: key, label: (!say.chinese && name_en) || name || key }));
  const begin = {
    '': {},
    chain: { properties: { 'wf.chain': catalogue.chains[0]?.key ?? '=' } },
    role: { extensions: { [ASSIGNMENT]: { assignee: undefined, candidateUsers: undefined, candidateGroups: '=[]' } } },
    person: { extensions: { [ASSIGNMENT]: { assignee: '=initiator.id', candidateUsers: undefined, candidateGroups: undefined } } },
    subject: { properties: { 'wf.for': 'subject' } },
  };
  const found = way(element);
  const entries = [
    choice({
      id: 'approval-way',
      label: say('Who does it'),
      get: () => way(element),
      set: (chosen) =>
        set({
          extensions: { [ASSIGNMENT]: null, ...begin[chosen].extensions },
          properties: { 'wf.chain': null, 'wf.for': null, ...begin[chosen].properties },
        }),
      options: () => [
        { value: '', label: say('— nobody yet —') },
        { value: 'chain', label: say('An approval chain') },
        { value: 'role', label: say('Whoever has a role') },
        { value: 'person', label: say('A certain person') },
        { value: 'subject', label: say('The employee concerned') },
      ],
    }),
  ];
  if (found === 'chain') {
    const chain = property(element, 'wf.chain');
    entries.push(
      choice({
        id: 'approval-chain',
        label: say('Chain'),
        get: () => property(element, 'wf.chain'),
        set: (key) => set({ properties: { 'wf.chain': key } }),
        options: () => options(say, named(catalogue.chains), chain, null),
      }),
    );
    if (addresses.chain(chain) && catalogue.chains.some(({ key }) => key === chain)) {
      entries.push(note({ id: 'approval-preview', text: say('See who would sign'), href: addresses.chain(chain) }));
    }
  } else if (found === 'role') {
    const roles = () => assigned()?.candidateGroups;
    const given = listed(roles());
    const strange = (given ?? []).filter((key) => !catalogue.roles.some((role) => role.key === key)).map((key) => ({ value: key, label: key }));
    entries.push(
      given === null
        ? expression({ id: 'approval-roles-expression', label: say('Roles'), feel: 'required', get: roles, set: (candidateGroups) => assign({ candidateGroups }) })
        : ticks({
            id: 'approval-roles',
            label: say('Roles'),
            get: () => listed(roles()),
            set: (keys) => assign({ candidateGroups: keys.length ? `=${JSON.stringify(keys)}` : '=[]' }),
            options: () => [...named(catalogue.roles), ...strange],
          }),
    );
  } else if (found === 'person') {
    entries.push(
      expression({ id: 'approval-assignee', label: say('Person'), get: () => assigned()?.assignee, set: (assignee) => assign({ assignee: assignee || undefined }) }),
      expression({
        id: 'approval-persons',
        label: say('Persons (whoever takes it)'),
        get: () => assigned()?.candidateUsers,
        set: (candidateUsers) => assign({ candidateUsers: candidateUsers || undefined }),
      }),
    );
  } else if (found === 'subject') {
    entries.push(note({ id: 'approval-subject', text: say('Only the employee the case is about does this: answer, acknowledge, sign. It decides nothing.') }));
  }
  entries.push(
    ...dueEntries(element, { injector, say, catalogue }),
    expression({
      id: 'approval-priority',
      label: say('Priority (0 to 100, usually 50)'),
      get: () => extension(element, PRIORITY)?.priority,
      set: (priority) => set({ extensions: { [PRIORITY]: priority ? { priority: String(priority) } : null } }),
    }),
  );
  return { id: 'approval', label: say('Approval'), entries };
}

/** One choice for each field of the step's form; null where it has none, or we do not know the form. */
export function permissionsGroup(element, { injector, say, catalogue }) {
  const form = catalogue.forms.find(({ id }) => id === extension(element, 'zeebe:FormDefinition')?.formId);
  if (!form?.fields.length) return null;
  const entries = form.fields.map(({ key, label, label_en }) =>
    choice({
      id: `field-${key}`,
      label: (!say.chinese && label_en) || label || key,
      get: () => property(element, `wf.field.${key}`) ?? '',
      set: (value) => change(injector, element, { properties: { [`wf.field.${key}`]: value } }),
      options: () => options(say, Object.entries(PERMISSIONS).map(([value, label]) => ({ value, label: say(label) })), property(element, `wf.field.${key}`), say('as in the form')),
    }),
  );
  return { id: 'permissions', label: say('Fields of the form in this step'), entries, shouldOpen: false };
}

/** The English name, for whatever people read the name of. */
export function englishName(element, { injector, say }) {
  if (!isAny(element, ['bpmn:FlowElement', 'bpmn:Participant', 'bpmn:Lane', 'bpmn:Process'])) return null;
  return text({
    id: 'name-en',
    label: say('English name'),
    get: () => property(element, 'wf.name.en'),
    set: (value) => change(injector, element, { properties: { 'wf.name.en': value } }),
  });
}
