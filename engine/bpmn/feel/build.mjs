// Makes feel.js, the one file that QuickJS loads: `npm ci && npm run build`. With an argument, writes to that path instead.
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';
import { repairs } from './repairs.mjs';

const here = import.meta.dirname;
const feelin = path.join(here, 'node_modules/feelin/dist/index.js');

function repaired(source) {
  for (const [why, text, replacement] of repairs) {
    const changed = source.replace(text, replacement);
    if (changed === source) throw new Error(`feelin changed; this repair no longer applies: ${why}`);
    source = changed;
  }
  return source;
}

const repair = {
  name: 'repair',
  setup(bundler) {
    bundler.onResolve({ filter: /^feelin$/ }, () => ({ path: feelin }));
    bundler.onLoad({ filter: /feelin[\\/]dist[\\/]index\.js$/ }, ({ path: file }) => ({
      contents: repaired(fs.readFileSync(file, 'utf8')),
      loader: 'js',
    }));
  },
};

await build({
  absWorkingDir: here,
  entryPoints: ['src/main.mjs'],
  outfile: process.argv[2] ?? path.join(here, 'feel.js'),
  bundle: true,
  format: 'iife',
  target: 'es2021',
  charset: 'utf8',
  minify: true,
  legalComments: 'none',
  banner: { js: '/* Built by build.mjs from src/ and the packages in licences/. Do not edit. */' },
  plugins: [repair],
});
