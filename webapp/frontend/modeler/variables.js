// Which variables exist where an expression stands, as the check last said.

/** Dotted names as nested variables, which the editor completes part by part. */
export function nested(names) {
  const top = [];
  for (const { name, type, from } of names) {
    let level = top;
    let found;
    for (const part of name.split('.')) {
      found = level.find((each) => each.name === part);
      if (!found) level.push((found = { name: part, entries: [] }));
      level = found.entries;
    }
    Object.assign(found, { detail: type ?? '', info: from ?? '' });
  }
  return top;
}

export class VariablesOfCheck {
  constructor(studio) {
    this.findings = studio.findings;
  }

  async getVariablesForElement(object) {
    const at = (names) => names.at[object.id] ?? names.at[object.$parent?.id];
    // what is known from before will do while the check is at work; it is only waited for where an element is new
    let names = this.findings.known;
    if (at(names) === undefined) names = await this.findings.names();
    return at(names) === undefined ? [] : nested(names.sets[at(names)]);
  }
}
VariablesOfCheck.$inject = ['studio'];
