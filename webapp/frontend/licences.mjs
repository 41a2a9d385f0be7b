import fs from 'node:fs';
import path from 'node:path';

/** What packages hold of others, which have terms of their own: found by reading their published files, as no build names it. */
const CONTAINED = [
  ['ajv.txt', 'ajv (in @bpmn-io/element-templates-validator)'],
  ['fast-deep-equal.txt', 'fast-deep-equal (in @bpmn-io/element-templates-validator)'],
  ['json-source-map.txt', 'json-source-map (in @bpmn-io/element-templates-validator)'],
  ['element-templates-json-schema.txt', '@camunda/element-templates-json-schema and its zeebe schemas (in @bpmn-io/element-templates-validator)'],
  ['carbon-grid.txt', '@carbon/grid (in the styles of @bpmn-io/form-js-viewer and @bpmn-io/form-js-editor)'],
  ['bpmn-font.txt', 'bpmn-font (bpmn.woff2) and dmn-font (dmn.woff2)'],
];

/** The terms of every package that went into a bundle, as one text; refuses a package without any. */
export function licences(folder, inputs) {
  const packages = new Set(
    inputs.filter((input) => input.startsWith('node_modules/')).map((input) => input.match(/^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//)[1]),
  );
  const parts = [...packages].sort().map((name) => {
    const about = JSON.parse(fs.readFileSync(path.join(folder, name, 'package.json'), 'utf8'));
    const file = fs.readdirSync(path.join(folder, name)).find((each) => /^licen[sc]e/i.test(each));
    const terms = file ? fs.readFileSync(path.join(folder, name, file), 'utf8').trim() : byWord(about);
    return `${about.name} ${about.version}\n${'='.repeat(about.name.length + about.version.length + 1)}\n\n${terms}\n`;
  });
  for (const [file, what] of CONTAINED) {
    const terms = fs.readFileSync(path.join(folder, 'licences', file), 'utf8').trim();
    parts.push(`${what}\n${'='.repeat(what.length)}\n\n${terms}\n`);
  }
  return parts.join('\n\n').replaceAll('\r\n', '\n');
}

/** Of packages that name their licence and ship no text of it. */
function byWord({ name, license, author }) {
  if (!license) throw new Error(`${name} names no licence`);
  const who = typeof author === 'string' ? author : author?.name;
  return `Licence: ${license}${who ? `\nAuthor: ${who}` : ''}\n(The package holds no file with its terms.)`;
}
