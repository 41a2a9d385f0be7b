import fs from 'node:fs';
import path from 'node:path';

/** What packages hold of others, which have terms of their own: found by reading their published files, as no build names it. */
const CONTAINED = [
  ['ajv.txt', 'ajv (in @bpmn-io/element-templates-validator)'],
  ['fast-deep-equal.txt', 'fast-deep-equal (in @bpmn-io/element-templates-validator)'],
  ['json-source-map.txt', 'json-source-map (in @bpmn-io/element-templates-validator)'],
  ['element-templates-json-schema.txt', '@camunda/element-templates-json-schema and its zeebe schemas (in @bpmn-io/element-templates-validator)'],
  ['semver.txt', 'semver (in @bpmn-io/semver-compat)'],
  ['carbon-grid.txt', '@carbon/grid (in the styles of @bpmn-io/form-js-viewer and @bpmn-io/form-js-editor)'],
  ['bpmn-font.txt', 'bpmn-font (bpmn.woff2) and dmn-font (dmn.woff2)'],
];

/** The terms of packages that are published without the text that their repositories hold. */
const APART = { '@bpmn-io/semver-compat': 'semver-compat.txt' };

/** The terms of every package that went into a bundle, as one text; refuses a package without any. */
export function licences(folder, inputs) {
  const packages = new Set(
    inputs.filter((input) => input.startsWith('node_modules/')).map((input) => input.match(/^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//)[1]),
  );
  const parts = [...packages].sort().map((name) => {
    const about = JSON.parse(fs.readFileSync(path.join(folder, name, 'package.json'), 'utf8'));
    const own = fs.readdirSync(path.join(folder, name)).find((each) => /^(licen[sc]e|copying)/i.test(each));
    if (!own && !APART[about.name]) throw new Error(`${about.name} holds no file with its terms: put them into licences/ and name it in licences.mjs`);
    return part(`${about.name} ${about.version}`, own ? path.join(folder, name, own) : path.join(folder, 'licences', APART[about.name]));
  });
  for (const [file, what] of CONTAINED) parts.push(part(what, path.join(folder, 'licences', file)));
  return parts.join('\n\n').replaceAll('\r\n', '\n');
}

function part(title, file) {
  const terms = fs.readFileSync(file, 'utf8').trim();
  if (!terms) throw new Error(`${file} is empty`);
  return `${title}\n${'='.repeat(title.length)}\n\n${terms}\n`;
}
