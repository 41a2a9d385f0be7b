// Makes feel.js, the one file that QuickJS loads: `npm ci && npm run build`. With an argument, writes to that path instead.
import { build } from 'esbuild';
import fs from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
const feelin = path.join(here, 'node_modules/feelin/dist/index.js');

// What feelin 8.2.0 lacks for us. Each is [why, text in its source, replacement]; the build fails when a text is gone.
const repairs = [
  [
    'a parsed expression can be kept and run many times, and functions can be added',
    '\nexport {',
    '\nexport { interpreter, InterpreterContext, builtins, getType, invalidArguments, wrapFunction };\nexport {',
  ],
  [
    'the difference of two instants counts their zones, not their wall clocks',
    'function subtractTemporals(a, b) {',
    `function subtractTemporals(a, b) {
    if (isZoned(a) && isZoned(b)) {
        const milliseconds = toComparable(a) - toComparable(b);
        return new FeelDuration(Temporal.Duration.from({ milliseconds }).round({ largestUnit: 'day' }), false);
    }`,
  ],
  [
    '"or" leaves the right side alone once the left is true, so that a guard guards',
    /(case 'Disjunction': return tag\(\(context\) => \{\s+const left = args\[0\]\(context\);)/,
    '$1 if (left === true) return true;',
  ],
  [
    '"and" leaves the right side alone once the left is false',
    /(case 'Conjunction': return tag\(\(context\) => \{\s+const left = args\[0\]\(context\);)/,
    '$1 if (left === false) return false;',
  ],
  [
    'a cell that names a boolean is compared with a boolean input, as a cell that is written true or false',
    "case 'PositiveUnaryTest': return (context) => {",
    `case 'PositiveUnaryTest': return (context) => {
            if (args[0].type === 'any' && typeof context['?'] === 'boolean' && !node.input.includes('?')) {
                const result = args[0](context);
                return typeof result === 'boolean' ? result === context['?'] : result;
            }`,
  ],
  [
    'comparing values of two types is worth a complaint',
    'const test = operator()(right);',
    `if (left !== null && right !== null && PLAIN.has(getType(left)) && PLAIN.has(getType(right)) && getType(left) !== getType(right)) {
                interpreterContext.addWarning(node, 'NOT_COMPARABLE', { template: "Can't compare {left} with {right}", values: { left, right } });
                return null;
            }
            const test = operator()(right);`,
  ],
  ['(its types)', 'const NUMBER_ONLY =', "const PLAIN = new Set(['number', 'string', 'boolean', 'date', 'time', 'date time', 'duration']);\nconst NUMBER_ONLY ="],
];

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
