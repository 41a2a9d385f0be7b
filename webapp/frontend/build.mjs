// Makes webapp/static/vendor/studio, and the style sheet in vendor/tabler beside it, from the packages of package-lock.json and the files here: `npm ci && npm run build`.
// With an argument, writes to that folder instead.
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';
import { licences } from './licences.mjs';
import { repairs } from './repairs.mjs';
import { tabler } from './tabler.mjs';

const here = import.meta.dirname;
const outdir = process.argv[2] ?? path.join(here, '../static/vendor/studio');
const used = new Set();

/** Pages forbid inline styles, and so a style attribute in HTML; what such an attribute says can be said as attributes of SVG. */
const attributes = (source) =>
  source.replace(/ style="((?:(?:fill|stroke|stroke-width|stroke-linecap|stroke-linejoin|stroke-miterlimit|fill-rule|clip-rule|opacity): ?[^;"]+;?)+)"/g, (_, styles) =>
    styles
      .split(';')
      .filter(Boolean)
      .map((style) => ` ${style.split(':')[0].trim()}="${style.split(':')[1].trim()}"`)
      .join(''),
  );

function repaired(file) {
  let source = fs.readFileSync(file, 'utf8');
  for (const { file: name, why, text, replacement, beside = '' } of repairs) {
    if (!file.replaceAll('\\', '/').endsWith(name)) continue;
    if (!source.includes(text)) throw new Error(`${name} changed; this repair no longer applies: ${why}`);
    source = source.replaceAll(text, () => replacement) + beside;
    used.add(why);
  }
  return attributes(source);
}

const repair = {
  name: 'repair',
  setup(bundler) {
    bundler.onLoad({ filter: /node_modules.*\.js$/ }, ({ path: file }) => ({ contents: repaired(file), loader: 'js' }));
  },
};

fs.mkdirSync(outdir, { recursive: true });
const settings = {
  absWorkingDir: here,
  outdir,
  bundle: true,
  format: 'iife',
  target: 'es2021',
  charset: 'utf8',
  minify: true,
  metafile: true,
  legalComments: 'none',
  loader: { '.woff2': 'file' },
  assetNames: '[name]',
  jsx: 'automatic',
  jsxImportSource: '@bpmn-io/properties-panel/preact',
  banner: { js: '/* Built by webapp/frontend/build.mjs from webapp/frontend and the packages in LICENCES.txt. Do not edit. */' },
  plugins: [repair],
};
const bundles = [
  await build({ ...settings, entryPoints: { modeler: 'modeler/main.js', decisions: 'decisions/main.js', letters: 'letters/main.js' } }),
  // the editor of forms works with its own older preact alone, the parts it shares with the viewer included
  await build({ ...settings, entryPoints: { forms: 'forms/main.js' }, alias: { preact: './node_modules/@bpmn-io/form-js-editor/node_modules/preact' } }),
];
for (const { why } of repairs) if (!used.has(why)) throw new Error(`Nothing was repaired: ${why}`);
fs.writeFileSync(path.join(outdir, 'LICENCES.txt'), licences(here, bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs))));
fs.mkdirSync(path.join(outdir, '../tabler'), { recursive: true });
fs.writeFileSync(path.join(outdir, '../tabler/tabler.min.css'), tabler(here));
