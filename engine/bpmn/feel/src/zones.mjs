// QuickJS has no Intl, and the date library asks Intl.DateTimeFormat for the offsets of time zones. This answers it from tables
// that Python fills from its zoneinfo: zone name -> { changes: [unix seconds], offsets: [seconds], name }.
// offsets[i] holds before changes[i], the last one after all changes.

const tables = new Map([['UTC', { changes: [], offsets: [0], name: 'UTC' }]]);
const LONGEST = 64; // characters of a zone's name; the longest known has 32
let missing = null;

export const addZone = (name, table) => tables.set(name.toUpperCase(), table);

/** Runs `work`; answers 'z' and the zone's name when a table was needed that is not here yet. */
export function withZones(work) {
  missing = null;
  let answer;
  try {
    answer = work();
  } catch (error) {
    if (missing === null) throw error;
  }
  return missing === null ? answer : 'z' + missing;
}

function table(name) {
  const found = tables.get(name.toUpperCase());
  if (found === undefined && name.length <= LONGEST) missing = name;
  if (!found) throw new RangeError(`unknown time zone: ${name}`);
  return found;
}

function offset({ changes, offsets }, seconds) {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle] <= seconds) low = middle + 1;
    else high = middle;
  }
  return offsets[low];
}

class DateTimeFormat {
  constructor(_locales, options = {}) {
    this.zone = table(options.timeZone ?? 'UTC');
  }
  resolvedOptions() {
    return { locale: 'en-US', calendar: 'gregory', numberingSystem: 'latn', timeZone: this.zone.name };
  }
  formatToParts(instant) {
    const milliseconds = Number(instant);
    const local = new Date(milliseconds + offset(this.zone, Math.floor(milliseconds / 1000)) * 1000);
    const year = local.getUTCFullYear();
    const parts = {
      era: year > 0 ? 'AD' : 'BC',
      year: year > 0 ? year : 1 - year,
      month: local.getUTCMonth() + 1,
      day: local.getUTCDate(),
      hour: local.getUTCHours(),
      minute: local.getUTCMinutes(),
      second: local.getUTCSeconds(),
    };
    return Object.entries(parts).map(([type, value]) => ({ type, value: String(value) }));
  }
}

globalThis.Intl = { DateTimeFormat };
