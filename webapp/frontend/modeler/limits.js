// Times as people say them: 2 working days, three times each day. What cannot be said so stays an expression or ISO 8601.
import { getBusinessObject } from 'bpmn-js/lib/util/ModelUtil';
import { choice, count, expression, options } from './entries.jsx';
import { change, extension, property } from './extensions.js';

const SCHEDULE = 'zeebe:TaskSchedule';
const UNITS = { D: ['P', 'D'], W: ['P', 'W'], H: ['PT', 'H'], M: ['PT', 'M'] };
const OFFICE = 'office';

/** `P3D` → { number: 3, unit: 'D' }, `PT8H` → { number: 8, unit: 'H' }; null where it is said otherwise. */
export function simple(text) {
  const found = /^P(?:(\d+)([DW])|T(\d+)([HM]))$/.exec(text ?? '');
  return found && { number: Number(found[1] ?? found[3]), unit: found[2] ?? found[4] };
}

export const iso = (number, unit) => `${UNITS[unit][0]}${number}${UNITS[unit][1]}`;

/** Number and unit of a duration. `read` gives its ISO text, `write(iso, working)` sets it; null as iso: keep it as an expression. */
function duration(element, { id, say, injector, catalogue, read, write, asExpression }) {
  const calendar = () => property(element, 'wf.calendar');
  const found = simple(read());
  const unit = () => {
    const now = simple(read());
    return now ? (calendar() ? `work-${now.unit}` : now.unit) : read() ? 'expression' : '';
  };
  const units = [
    { value: 'work-D', label: say('working days') },
    { value: 'work-H', label: say('working hours') },
    { value: 'D', label: say('calendar days') },
    { value: 'W', label: say('weeks') },
    { value: 'H', label: say('hours') },
    { value: 'M', label: say('minutes') },
    { value: 'expression', label: say('by an expression') },
  ];
  const entries = [];
  if (found) {
    entries.push(
      count({
        id: `${id}-number`,
        label: say('How long'),
        get: () => simple(read())?.number,
        set: (number) => number && write(iso(number, simple(read()).unit), calendar()),
      }),
    );
  }
  entries.push(
    choice({
      id: `${id}-unit`,
      label: found ? say('Unit') : say('How long'),
      get: unit,
      set: (value) => {
        if (value === '') return write('', null);
        if (value === 'expression') return write(asExpression(read() || 'P1D'), null);
        const working = value.startsWith('work-');
        return write(iso(simple(read())?.number ?? 1, value.at(-1)), working ? calendar() ?? OFFICE : null);
      },
      options: () => [...(read() ? [] : [{ value: '', label: say('— no limit —') }]), ...units.filter(({ value }) => value !== 'work-M' || unit() === value)],
    }),
  );
  if (found && calendar() && catalogue.calendars.length) {
    entries.push(
      choice({
        id: `${id}-calendar`,
        label: say('Working time of'),
        get: calendar,
        set: (key) => change(injector, element, { properties: { 'wf.calendar': key } }),
        options: () => options(say, catalogue.calendars.map((each) => named(each, say)), calendar(), null),
      }),
    );
  }
  return entries;
}

const named = (calendar, say) =>
  typeof calendar === 'string' ? { value: calendar, label: calendar === OFFICE ? say('the office') : calendar } : { value: calendar.key, label: calendar.name };

/** By when a user task is due. */
export function dueEntries(element, { injector, say, catalogue }) {
  const given = () => extension(element, SCHEDULE)?.dueDate;
  const read = () => /^=\s*(?:now\(\)\s*\+\s*)?duration\("([^"]+)"\)\s*$/.exec(given() ?? '')?.[1] ?? given() ?? '';
  const put = (dueDate, properties = {}) => {
    const none = !dueDate && !extension(element, SCHEDULE)?.followUpDate;
    change(injector, element, { extensions: { [SCHEDULE]: none ? null : { dueDate: dueDate || undefined } }, properties });
  };
  const asExpression = (text) => (text.startsWith('=') ? text : `=now() + duration("${text}")`);
  const entries = duration(element, {
    id: 'due',
    say,
    injector,
    catalogue,
    read: () => (chosenAsExpression(element) ? given() : read()),
    write: (text, calendar) => {
      const expressed = text && !text.startsWith('=') && !calendar;
      expressedBy.delete(getBusinessObject(element));
      if (text.startsWith('=')) expressedBy.add(getBusinessObject(element));
      put(expressed ? asExpression(text) : text, { 'wf.calendar': calendar });
    },
    asExpression,
  }).map((entry) => (entry.label === say('How long') ? { ...entry, label: say('Due after') } : entry));
  if (given() && (!simple(read()) || chosenAsExpression(element))) {
    entries.push(expression({ id: 'due-expression', label: say('Due at'), get: given, set: (text) => put(text ?? '') }));
  }
  return entries;
}

// the same text is a duration to whoever picks days, and an expression to whoever wants to write one
const expressedBy = new WeakSet();
const chosenAsExpression = (element) => expressedBy.has(getBusinessObject(element));

const KINDS = { timeDuration: 'timeDuration', timeCycle: 'timeCycle' };

/** The timer of an event: its number and unit where it is a plain duration or repetition; otherwise the panel's own field stays. */
export function timerEntries(element, entries, { injector, say, catalogue }) {
  const definition = getBusinessObject(element).get('eventDefinitions')?.find((each) => each.$type === 'bpmn:TimerEventDefinition');
  const kind = Object.keys(KINDS).find((each) => definition?.get(each));
  if (!kind) return entries;
  const body = definition.get(kind);
  const text = () => definition.get(kind)?.get('body') ?? '';
  const cycle = () => /^R(\d*)\/(P[^/]+)$/.exec(text());
  const repeats = kind === 'timeCycle';
  const read = () => (repeats ? cycle()?.[2] ?? text() : text());
  const put = (duration, calendar, times = cycle()?.[1] ?? '') =>
    change(injector, element, {
      others: [[body, { body: repeats && !duration.startsWith('=') ? `R${times}/${duration}` : duration }]],
      properties: { 'wf.calendar': calendar },
    });
  const own = duration(element, {
    id: 'timer',
    say,
    injector,
    catalogue,
    read,
    write: put,
    asExpression: (now) => (now.startsWith('=') ? now : repeats ? `="R${cycle()?.[1] ?? ''}/${now}"` : `=duration("${now}")`),
  });
  if (repeats && cycle() && simple(read())) {
    own.push(
      choice({
        id: 'timer-times',
        label: say('How often'),
        get: () => cycle()?.[1] ?? '',
        set: (times) => put(read(), property(element, 'wf.calendar'), times),
        options: () =>
          options(
            say,
            [1, 2, 3, 5, 10].map((times) => ({ value: String(times), label: say('{n} times', { n: times }) })),
            cycle()?.[1],
            say('without end'),
          ).map((each) => (/^\d+$/.test(each.value) ? { ...each, label: say('{n} times', { n: each.value }) } : each)),
      }),
    );
  }
  const raw = simple(read()) ? entries.filter(({ id }) => id !== 'timerEventDefinitionValue') : entries;
  return [...raw, ...own];
}
