import zh from './zh.js';

/**
 * What every text of an editor goes through: `say('Saved at {time}', { time })`; `more` are words of that editor alone. English is the key; where the dictionary of the
 * person's language misses one, it is kept in `say.missed`, which a test reads.
 */
export function wordsOf(locale, more = {}) {
  const dictionary = locale.startsWith('zh') ? { ...zh, ...more } : null;
  const missed = new Set();
  const say = (text, values = {}) => {
    const known = !dictionary || Object.hasOwn(dictionary, text);
    // what is no words at all, or is in Chinese since the server sent it, needs no translation
    if (!known && /[a-z]{2}/.test(text) && !/[\u4e00-\u9fff]/.test(text)) missed.add(text);
    return (known && dictionary ? dictionary[text] : text).replace(/{([^}]+)}/g, (whole, name) => values[name] ?? whole);
  };
  return Object.assign(say, { missed, locale, chinese: dictionary !== null });
}
