import fs from 'node:fs';
import path from 'node:path';

/** Menus at a side, and rows of steps: no page has them. */
const UNUSED = [String.raw`\.navbar-vertical`, String.raw`\.steps:not\(:has\(`];

/**
 * The style sheet of all pages, without rules for what no page has that ask with `:has` what any part of the page holds: because of them,
 * with each letter that is typed, everything drawn on a page is styled anew, which is 13,000 elements for 500 steps.
 */
export function tabler(folder) {
  let sheet = fs.readFileSync(path.join(folder, 'node_modules/@tabler/core/dist/css/tabler.min.css'), 'utf8').replace(/\n?\/\*# sourceMappingURL=.*\*\/\s*$/, '\n');
  for (const unused of UNUSED) {
    // of a rule or a group of rules, what stands before its brace; and the rule, in which no brace stands
    const kept = sheet.replace(new RegExp(`(?<=[{}])[^{}]*${unused}[^{}]*\\{[^{}]*\\}`, 'g'), '');
    if (kept === sheet) throw new Error(`Tabler has no rule any more with ${unused}`);
    sheet = kept;
  }
  return sheet;
}
