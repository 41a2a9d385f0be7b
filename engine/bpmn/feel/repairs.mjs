// What feelin 8.2.0 lacks for us. Each is [why, text in its source, replacement]; the build fails when a text is gone.
export const repairs = [
  [
    'what a parser knows of its names is kept as long as they are',
    'function parseExpression(expression, context = {}, dialect) {',
    `const prepared = { Expression: new WeakMap(), UnaryTests: new WeakMap() };
function parserOf(top, context) {
    if (!prepared[top].has(context)) prepared[top].set(context, parser.configure({ top, contextTracker: trackVariables(context) }));
    return prepared[top].get(context);
}
function parseExpression(expression, context = {}, dialect) {
    if (dialect === undefined) return parserOf('Expression', context).parse(expression);`,
  ],
  [
    '(also for unary tests)',
    'function parseUnaryTests(expression, context = {}, dialect) {',
    `function parseUnaryTests(expression, context = {}, dialect) {
    if (dialect === undefined) return parserOf('UnaryTests', context).parse(expression);`,
  ],
  [
    'a parsed expression can be kept and run many times, and functions can be added',
    '\nexport {',
    '\nexport { interpreter, InterpreterContext, builtins, declared, equals, fn, cmp, createRange, getType, invalidArguments, listFn, patterns, wrapFunction };\nexport {',
  ],
  [
    'the difference of two instants counts their zones, not their wall clocks; a date is midnight UTC',
    'function subtractTemporals(a, b) {',
    `function subtractTemporals(a, b) {
    if (isTime(a) !== isTime(b) || isZoned(a) !== isZoned(b) && !isDate(a) && !isDate(b)) return null;
    if (isZoned(a) !== isZoned(b) || isZoned(a)) {
        const milliseconds = toComparable(a) - toComparable(b);
        return new FeelDuration(Temporal.Duration.from({ milliseconds }).round({ largestUnit: 'day' }), false);
    }
    if (isDate(a) !== isDate(b)) return null;`,
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
                interpreterContext.addWarning(node, 'NOT_COMPARABLE', { template: '{left} cannot be compared with {right}', values: { left, right } });
                return null;
            }
            const test = operator()(right);`,
  ],
  [
    'nor is a value of another type in a range of numbers, texts or days',
    '    // normalize a descending range',
    `    const border = getType(start ?? end);
    if (PLAIN.has(valueType) && PLAIN.has(border) && valueType !== border) return null;
    // normalize a descending range`,
  ],
  [
    '(as what is between)',
    'return createRange(start, end).includes(args[0](context));',
    `const value = args[0](context);
                const result = createRange(start, end).includes(value);
                if (result === null && value !== null && getType(value) !== getType(start)) interpreterContext.addWarning(node, 'NOT_COMPARABLE', { template: '{left} cannot be compared with {right}', values: { left: value, right: start } });
                return result;`,
  ],
  [
    '(as what is in something)',
    'return compareIn(args[0](context), (args[3] || args[2])(context));',
    `const value = args[0](context);
                const tests = (args[3] || args[2])(context);
                const result = compareIn(value, tests);
                if (result === null) unlike(tests, value, node, interpreterContext);
                return result;`,
  ],
  [
    '(as what a cell tests)',
    `}).some(v => v === true);
                    return matches`,
    `}).some(v => v === true);
                    if (!matches) unlike(given, value, node, interpreterContext);
                    return matches`,
  ],
  [
    '(which it tests once)',
    'const matches = tests.map(test => test(context)).flat(1).map(',
    'const given = tests.map(test => test(context)).flat(1);\n                    const matches = given.map(',
  ],
  [
    '(the first of the ranges that a value of this type cannot be in)',
    'function compareValue(test, value) {',
    `function unlike(tests, value, node, interpreterContext) {
    const type = getType(value);
    const other = (border) => PLAIN.has(border) && border !== type;
    const test = (isArray(tests) ? tests : [tests]).find((test) => isRange(test) && other(getType(test.start ?? test.end)));
    if (test === undefined || !PLAIN.has(type)) return;
    interpreterContext.addWarning(node, 'NOT_COMPARABLE', { template: '{left} cannot be compared with {right}', values: { left: value, right: test.start ?? test.end } });
}
function compareValue(test, value) {`,
  ],
  ['(its types)', 'const NUMBER_ONLY =', "const PLAIN = new Set(['number', 'string', 'boolean', 'date', 'time', 'date time', 'duration']);\nconst NUMBER_ONLY ="],

  // --- complaints, which are shown to people
  ['values stand in a complaint as they are written in FEEL', "message.replace(`{${key}}`, `'${formatValue(values[key])}'`)", 'message.replace(`{${key}}`, () => formatValue(values[key]))'],
  ['a complaint about operands names the operator', "template: `Can't ${opName} {right} to {left}`", 'template: `{left} ${node.input} {right} cannot be calculated`'],
  ['(about what is no function)', /'Cannot invoke \{target\}'/g, "'{target} is no function'"],
  ['(about parameters)', "'Cannot invoke {target} with parameters {params}'", "'{target} does not take these parameters'"],

  [
    'a number may have an exponent',
    "const value = node.input.includes('.') ? parseFloat(node.input) : parseInt(node.input);",
    'const value = Number(node.input);',
  ],

  // --- dates, times and durations (10.3.2.3, 10.3.4.1)
  [
    'a date has a year of any sign and up to six digits',
    'const Z_SUFFIX_PATTERN =',
    `// ISO 8601 as Temporal reads and writes it: a year that is negative or has more than four digits has a sign and six digits
const toIso = (text) => {
    const [, sign, year, rest] = /^(-?)(\\d{4,6})(-.*)$/s.exec(text) ?? [];
    if (year === undefined || (year.length > 4 && year[0] === '0')) return text.startsWith('-') ? '' : text;
    return sign || year.length > 4 ? (sign || '+') + year.padStart(6, '0') + rest : text;
};
const fromIso = (text) => text.replace(/^([+-])0*(\\d{4,6})-/, (_, sign, year) => (sign === '-' ? '-' : '') + year + '-');
const Z_SUFFIX_PATTERN =`,
  ],
  [
    '(such a date is written so)',
    `class FeelDate {
    constructor(value) {
        this.value = value;
        this.iso = this.value.toString();`,
    `class FeelDate {
    constructor(value) {
        this.value = value;
        this.iso = fromIso(this.value.toString());`,
  ],
  [
    '(such a date and time is written so)',
    /(class FeelDateTime \{\s+constructor\(value, zone = null\) \{\s+this\.value = value;\s+this\.zone = zone;\s+this\.iso = )this\.value\.toString\(\)/,
    '$1fromIso(this.value.toString())',
  ],
  [
    '(such a date is read)',
    /function parseDate\(str\) \{\s+if \(str\.startsWith\('-'\)\) \{\s+throw notImplemented\('negative date'\);\s+\}/,
    'function parseDate(str) {\n    str = toIso(str);',
  ],
  [
    '(such a date and time is read), and the end of a day is the beginning of the next',
    /function parseDateTime\(str\) \{\s+if \(str\.startsWith\('-'\)\) \{\s+throw notImplemented\('negative date'\);\s+\}/,
    `function parseDateTime(str) {
    str = toIso(str);
    if (/T24:00:00(\\.0+)?(?=$|[Z@+-])/.test(str)) {
        const midnight = parseDateTime(str.replace('T24', 'T00'));
        return midnight && new FeelDateTime(midnight.value.add({ days: 1 }), midnight.zone);
    }`,
  ],
  [
    'a zone has a name or an offset, not both, and an offset has at most 18 hours',
    /function isValidZone\(zone\) \{\s+if \(zone === null\) \{\s+return true;\s+\}/,
    `function isValidZone(zone, value = '') {
    if (zone === null) {
        return true;
    }
    if (OFFSET_SUFFIX_PATTERN.test(value) || Z_SUFFIX_PATTERN.test(value)) {
        return false;
    }
    if (Math.abs(fixedOffsetSeconds(zone) ?? 0) > 18 * 3600) {
        return false;
    }`,
  ],
  [
    '(of a time)',
    /if \(!isValidZone\(zone\)\) \{\s+return null;\s+\}\s+return new FeelTime/,
    'if (!isValidZone(zone, value)) return null;\n        return new FeelTime',
  ],
  [
    '(of a date and time)',
    /if \(!isValidZone\(zone\)\) \{\s+return null;\s+\}\s+return new FeelDateTime/,
    "if (!isValidZone(zone, value.slice(value.indexOf('T')))) return null;\n        return new FeelDateTime",
  ],
  [
    'a time keeps the fraction of its second',
    "Temporal.PlainTime.from({ hour, minute, second }, { overflow: 'reject' })",
    `Temporal.PlainTime.from({ hour, minute, second: Math.floor(second) }, { overflow: 'reject' })
            .add({ nanoseconds: Math.round((second % 1) * 1e9) })`,
  ],
  [
    'months and years are counted without a calendar',
    'function normalize(d) {',
    `function normalize(d) {
    if ((d.years !== 0 || d.months !== 0) && !d.weeks && !d.days && !d.hours && !d.minutes && !d.seconds && !d.milliseconds && !d.microseconds && !d.nanoseconds) {
        return inMonths(d.years * 12 + d.months);
    }`,
  ],
  [
    '(its parts); a duration is multiplied, divided and negated',
    'const YEARS_MONTHS_PATTERN =',
    `const inMonths = (months) => Temporal.Duration.from({ years: Math.trunc(months / 12), months: months % 12 });
const monthsOf = ({ value }) => value.years * 12 + value.months;
const secondsOf = ({ value }) => value.total({ unit: 'second', relativeTo: REFERENCE_DATE });
function timesDuration(d, factor) {
    if (d.yearsMonths) {
        return new FeelDuration(inMonths(Math.trunc(monthsOf(d) * factor)), true);
    }
    const seconds = secondsOf(d) * factor;
    const whole = Math.trunc(seconds);
    return new FeelDuration(Temporal.Duration.from({ seconds: whole, nanoseconds: Math.round((seconds - whole) * 1e9) }), false);
}
/** undefined: not an operation between durations and numbers. */
function scaleDuration(operator, a, b) {
    if (operator === '*') {
        if (isDuration(a) && isNumber(b)) return timesDuration(a, b);
        if (isNumber(a) && isDuration(b)) return timesDuration(b, a);
        return undefined;
    }
    if (operator !== '/' || !isDuration(a)) return undefined;
    if (isNumber(b)) return b === 0 ? null : timesDuration(a, 1 / b);
    if (!isDuration(b) || a.yearsMonths !== b.yearsMonths) return undefined;
    const [over, under] = a.yearsMonths ? [monthsOf(a), monthsOf(b)] : [secondsOf(a), secondsOf(b)];
    return under === 0 ? null : over / under;
}
const YEARS_MONTHS_PATTERN =`,
  ],
  [
    '(where operands meet)',
    /(const rightType = getType\(right\);\s+)(if \(TEMPORAL_TYPES\.has\(leftType\)\) \{)/,
    `$1if (leftType === 'duration' || rightType === 'duration') {
                    const scaled = scaleDuration(node.input, left, right);
                    if (scaled !== undefined) return scaled;
                }
                if (node.input !== '+' && node.input !== '-' && TEMPORAL_TYPES.has(leftType)) {
                    invalidType(opName, left, right);
                    return null;
                }
                $2`,
  ],
  [
    '(where a sign stands before one)',
    'return op(context)(() => 0, value);',
    `const operand = value(context);
                    return isDuration(operand) ? timesDuration(operand, -1) : op(context)(() => 0, () => operand);`,
  ],
  [
    'durations of two kinds are not compared',
    'function durationEquals(a, b) {',
    `function durationEquals(a, b) {
    if (a.yearsMonths !== b.yearsMonths) return null;
    if (a.yearsMonths) return monthsOf(a) === monthsOf(b);`,
  ],
  ['(strictly: they differ)', 'return durationEquals(a, b);', 'return strict ? durationEquals(a, b) === true : durationEquals(a, b);'],
  [
    'a fraction may be empty',
    'if (!DURATION_PATTERN.test(opts)) {',
    "opts = opts.replace(/\\.S$/, 'S');\n    if (!DURATION_PATTERN.test(opts)) {",
  ],
  [
    'a date and a duration make a date',
    "return new FeelDateTime(temporal.value.toPlainDateTime().add(d), 'UTC');",
    'return new FeelDate(temporal.value.toPlainDateTime().add(d).toPlainDate());',
  ],
  [
    'years and months are not added to a time',
    /if \(isTime\(temporal\)\) \{(\s+\/\/ times wrap)/,
    'if (isTime(temporal)) {\n        if (dur.yearsMonths) return null;$1',
  ],
  [
    '(which is worth a complaint)',
    'return addDuration(a, b, 1);',
    "{ const sum = addDuration(a, b, 1); if (sum === null) invalidType('add', a, b); return sum; }",
  ],
  [
    '(also when they are taken away)',
    'return addDuration(a, b, -1);',
    "{ const rest = addDuration(a, b, -1); if (rest === null) invalidType('subtract', a, b); return rest; }",
  ],
  [
    'what cannot be subtracted is worth a complaint',
    'return subtractTemporals(a, b);',
    "{ const between = subtractTemporals(a, b); if (between === null) invalidType('subtract', a, b); return between; }",
  ],
  [
    'between two dates lie whole months',
    "return new FeelDuration(from.value.until(to.value, { largestUnit: 'month' }), true);",
    "return new FeelDuration(inMonths(from.value.until(to.value, { largestUnit: 'month' }).months), true);",
  ],

  // --- ranges (10.3.2.7)
  [
    'a range that is written with a null end includes nothing for certain',
    'function rangeIncludes(range, value) {',
    'function rangeIncludes(range, value) {\n    if (range.unknown) return null;',
  ],
  [
    '(it is marked, as is one written in brackets)',
    'return createRange(left, right, startIncluded, endIncluded);',
    `const interval = createRange(left, right, startIncluded, endIncluded);
                Object.defineProperty(interval, 'bracketed', { value: true });
                if (left === null || right === null) Object.defineProperty(interval, 'unknown', { value: true });
                return interval;`,
  ],
  ["(and differs from one that is open)", "return (a['start included'] === b['start included'] &&", "return (a.unknown === b.unknown && a['start included'] === b['start included'] &&"],
  [
    'dates are iterated day by day, texts not, and a range in brackets not backwards',
    /if \(valueType === 'string' && start !== null && end !== null\) \{\s+const values[^}]+\}\s+\}\s+throw new Error\('unsupported range operation: map'\);/,
    `if (valueType === 'date' && start !== null && end !== null && !(range.bracketed && cmp(start, end) > 0)) {
        const step = cmp(start, end) > 0 ? -1 : 1;
        const days = [];
        for (let day = start; cmp(day, end) * step <= 0; day = new FeelDate(day.value.add({ days: step }))) {
            if ((cmp(day, start) !== 0 || range['start included']) && (cmp(day, end) !== 0 || range['end included'])) days.push(fn(day));
        }
        return days;
    }
    return null;`,
  ],
  [
    '(of numbers)',
    "if (valueType === 'number' && start !== null && end !== null) {",
    "if (valueType === 'number' && start !== null && end !== null && !(range.bracketed && start > end)) {",
  ],

  // --- conditions, filters, lists (10.3.2.5, 10.3.2.9, 10.3.4.4)
  [
    'a condition is met by true only, and what is no truth value is worth a complaint',
    'if (isTruthy(ifCondition(context))) {',
    `const test = ifCondition(context);
                if (test !== null && typeof test !== 'boolean') {
                    interpreterContext.addWarning(node, 'INVALID_TYPE', { template: '"if" needs true or false, but has {test}', values: { test } });
                }
                if (test === true) {`,
  ],
  [
    'a filter keeps false and null where they pass',
    /return filterTarget\.map\(el => \{([\s\S]+?)if \(result === true\) \{\s+return el;\s+\}\s+return result;\s+\}\)\.filter\(isTruthy\);/,
    'return filterTarget.filter(el => {$1return result === true;\n                });',
  ],
  ['a filter makes a list of one', /if \(idx === true\) \{\s+return target;/, 'if (idx === true) {\n                        return filterTarget;'],
  ['elements are equal as in a = b', 'function matches(a, b) {\n    return a === b;', 'function matches(a, b) {\n    return equals(a ?? null, b ?? null) === true;'],
  ['numbers are sorted as numbers', 'const sorted = array.slice().sort();', 'const sorted = array.slice().sort((a, b) => a - b);'],
  ['(also those that are most frequent)', 'map(e => +e[0]);', 'map(e => +e[0]).sort((a, b) => a - b);'],
  [
    'elements of which neither precedes keep their order',
    /\? \(a, b\) => precedes\.fn\(a, b\) \? -1 : 1\s+: \(a, b\) => precedes\.invoke\(\[a, b\]\) \? -1 : 1;/,
    `? (a, b) => precedes.fn(a, b) === true ? -1 : precedes.fn(b, a) === true ? 1 : 0
            : (a, b) => precedes.invoke([a, b]) === true ? -1 : precedes.invoke([b, a]) === true ? 1 : 0;`,
  ],
  [
    'a number is rounded as it is written, not as it is stored',
    /function offsetted\(func, n, scale\) \{[^}]+\}/,
    `const shifted = (n, by) => {
    const [digits, exponent] = String(n).split('e');
    return Number(digits + 'e' + (Number(exponent ?? 0) + by));
};
function offsetted(func, n, scale) {
    scale = Math.trunc(scale);
    if (scale < -6111 || scale > 6176) {
        return invalidArguments('{scale} is not a number of decimal places between -6111 and 6176', { scale });
    }
    const result = shifted(func(shifted(n, scale)), -scale);
    return Number.isFinite(result) ? result : n;
}`,
  ],
  ['(where a half is looked for)', 'const remainder = (n * Math.pow(10, scale)) % 1;', 'const remainder = shifted(n, Math.trunc(scale)) % 1;'],
  ['(in the other direction)', /(n > 0 \? Math\.ceil : Math\.floor[\s\S]+?)const remainder = \(n \* Math\.pow\(10, scale\)\) % 1;/, '$1const remainder = shifted(n, Math.trunc(scale)) % 1;'],
  ['(below)', 'const adjust = Math.pow(10, scale);\n        return Math.floor(n * adjust) / adjust;', 'return offsetted(Math.floor, n, scale);'],
  ['(above)', 'const adjust = Math.pow(10, scale);\n        return Math.ceil(n * adjust) / adjust;', 'return offsetted(Math.ceil, n, scale);'],

  ['regular expressions are made elsewhere', 'function createRegexp(pattern,', 'const patterns = { make: null };\nfunction createRegexp(pattern,'],
  ['(there)', "return new RegExp(pattern, 'u' + buildFlags(flags, defaultFlags));", 'return patterns.make(pattern, flags, defaultFlags);'],

  // --- instance of (10.3.2.9.4)
  [
    'types that a decision model declares have instances',
    'const anyType = (value) =>',
    `/** name -> predicate, or undefined; set by those who know the model that is running */
const declared = { type: null };
const anyType = (value) =>`,
  ],
  [
    '(asked first)',
    'const check = NAMED_TYPE_CHECKS[descriptor.name];',
    'const check = declared.type?.(descriptor.name) ?? NAMED_TYPE_CHECKS[descriptor.name];',
  ],
  ['null is in the domain of every entry', 'has$1(value, name) && matchesType(', 'has$1(value, name) && (value[name] === null || matchesType('],
  ['(the parenthesis)', 'matchesType(value[name], type, context));', 'matchesType(value[name], type, context)));'],
];
