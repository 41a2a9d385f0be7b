// Regular expressions of XPath (XQuery and XPath Functions 3.1, 5.6), to which OMG DMN 1.5, 10.3.4.3 refers, as those of JavaScript.

const BLOCKS = { IsBasicLatin: '\\u0000-\\u007F', 'IsLatin-1Supplement': '\\u0080-\\u00FF', IsCJKUnifiedIdeographs: '\\u4E00-\\u9FFF' };

/** A RegExp, or null for a pattern or flags that XPath does not know. `more` are flags of JavaScript. */
export function regularExpression(pattern, flags, more = '') {
  if (/[^smix]/.test(flags)) return null;
  try {
    return new RegExp(translate(pattern, flags.includes('x')), 'u' + flags.replace(/x/g, '') + more);
  } catch {
    return null;
  }
}

/** Blanks are dropped under the flag x, blocks of characters spelled out, [a-[b]] is a that is not b. */
function translate(pattern, spaced) {
  let at = 0;

  function escape(inClass) {
    at += 1;
    while (spaced && /\s/.test(pattern[at] ?? '')) at += 1;
    const letter = pattern[at++];
    if (letter === undefined || letter === '0') throw new SyntaxError('no such escape');
    if (!/p/i.test(letter) || pattern[at] !== '{') return '\\' + letter;
    const end = pattern.indexOf('}', at);
    if (end < 0) throw new SyntaxError('no end of the name');
    const name = spaced ? pattern.slice(at + 1, end).replace(/\s/g, '') : pattern.slice(at + 1, end);
    at = end + 1;
    if (!Object.hasOwn(BLOCKS, name)) return `\\${letter}{${name}}`;
    if (inClass) {
      if (letter === 'P') throw new SyntaxError('no complement of a block inside a class');
      return BLOCKS[name];
    }
    return `[${letter === 'P' ? '^' : ''}${BLOCKS[name]}]`;
  }

  function characterClass() {
    let own = pattern[at++];
    while (at < pattern.length && pattern[at] !== ']') {
      if (pattern[at] === '\\') own += escape(true);
      else if (pattern[at] === '-' && pattern[at + 1] === '[') {
        at += 1;
        const without = characterClass();
        if (pattern[at] !== ']') throw new SyntaxError('a subtraction ends its class');
        at += 1;
        return `(?:(?!${without})${own}])`;
      } else own += pattern[at++];
    }
    at += 1;
    return own + ']';
  }

  let made = '';
  while (at < pattern.length) {
    const character = pattern[at];
    if (character === '\\') made += escape(false);
    else if (character === '[') made += characterClass();
    else {
      if (!spaced || !/\s/.test(character)) made += character;
      at += 1;
    }
  }
  return made;
}
