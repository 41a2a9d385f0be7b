import fs from 'node:fs';
import path from 'node:path';

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
  // the icons of elements come in bpmn-js and dmn-js and have terms of their own
  const font = fs.readFileSync(path.join(folder, 'licences/bpmn-font.txt'), 'utf8').trim();
  parts.push(`bpmn-font (bpmn.woff2) and dmn-font (dmn.woff2)\n===============================================\n\n${font}\n`);
  return parts.join('\n\n').replaceAll('\r\n', '\n');
}

/** Of packages that name their licence and ship no text of it. */
function byWord({ name, license, author }) {
  if (!license) throw new Error(`${name} names no licence`);
  const who = typeof author === 'string' ? author : author?.name;
  return `Licence: ${license}${who ? `\nAuthor: ${who}` : ''}\n(The package holds no file with its terms.)`;
}
