// What has to be otherwise in the packages; the build fails where one of these no longer applies.
export const repairs = [
  {
    why: 'the editor of expressions writes its rules into an adopted style sheet: a <style> element is forbidden by the policy of the pages',
    file: 'style-mod/src/style-mod.js',
    text: 'if (!root.head && root.adoptedStyleSheets && win.CSSStyleSheet)',
    replacement: 'if (root.adoptedStyleSheets && win.CSSStyleSheet)',
  },
  {
    why: 'markup with style attributes is made without them, and the styles are set afterwards, which the policy of the pages allows',
    file: 'domify/index.js',
    text: 'element.innerHTML = prefix + htmlString + suffix;',
    replacement:
      "element.innerHTML = prefix + htmlString.replace(/ style=(?=[\"'])/g, ' data-drawn=') + suffix;" +
      "for (const drawn of element.querySelectorAll('[data-drawn]')) { drawn.style.cssText = drawn.getAttribute('data-drawn'); drawn.removeAttribute('data-drawn'); }",
  },
  {
    why: 'fields of the panel are given no translation by most groups: without one they ask the page',
    file: '@bpmn-io/properties-panel/dist/index.esm.js',
    text: 'function translateFallback(template, replacements) {',
    replacement: 'function translateFallback(template, replacements) { if (globalThis.studioSays) return globalThis.studioSays(template, replacements);',
  },
  {
    why: 'a name is completed from where it begins, also behind "1 and": of the words before the cursor as many as some name begins with',
    file: '@bpmn-io/feel-editor/dist/index.js',
    text: 'from: typedInput ? typedInput.from : nodeBefore.from,',
    replacement: 'from: beginning(typedInput, nodeBefore.from, options),',
    beside: `
function beginning(typed, from, options) {
  for (let at = 0; typed && at < typed.text.length && typed.from + at < from; at += 1) {
    const words = typed.text.slice(at).toLowerCase();
    if ((at === 0 || typed.text[at - 1] === ' ') && options.some(({ label }) => label.toLowerCase().startsWith(words))) return typed.from + at;
  }
  return from;
}
`,
  },
  {
    why: 'the functions that are completed are those of our engine, with our words beside them',
    file: '@bpmn-io/feel-editor/dist/index.js',
    text: 'builtins = domifiedBuiltins,',
    replacement: 'builtins = globalThis.studioFunctions ?? domifiedBuiltins,',
  },
  {
    why: 'menus are searched by whatever is typed: an input method writes without a key of its own',
    file: 'diagram-js/lib/features/popup-menu/PopupMenuComponent.js',
    text: 'onKeyup=${ onKeyup }',
    replacement: 'onKeyup=${ onKeyup } onInput=${ onKeyup }',
  },
  {
    why: 'a diagram is searched by whatever is typed, too',
    file: 'diagram-js/lib/features/search-pad/SearchPad.js',
    text: "listen(this._container, SearchPad.INPUT_SELECTOR, 'keyup', function(e) {",
    replacement:
      "listen(this._container, SearchPad.INPUT_SELECTOR, 'input', function(e) { self._search(e.delegateTarget.value); });" +
      "listen(this._container, SearchPad.INPUT_SELECTOR, 'keyup', function(e) {",
  },
  {
    why: 'what was found lies amid the drawing, where there is room to go on beside it',
    file: 'diagram-js/lib/features/search-pad/SearchPad.js',
    text: 'top: SCROLL_TO_ELEMENT_PADDING',
    replacement: 'top: SCROLL_TO_ELEMENT_PADDING, bottom: 250, left: 250, right: 400',
  },
  {
    why: 'how many entries a menu found is said in the words of the page',
    file: 'diagram-js/lib/features/popup-menu/PopupMenuComponent.js',
    text: "${ entriesToShow.length } ${ entriesToShow.length === 1 ? 'result' : 'results' } found",
    replacement: "${ globalThis.studioSays?.('{n} found', { n: entriesToShow.length }) ?? entriesToShow.length }",
  },
  {
    why: 'a date is asked for as 2026-03-31, which is how Swedish writes it, whatever language the browser has',
    file: '@bpmn-io/form-js-viewer/dist/index.es.js',
    text: "function getLocaleDateFormat(locale = 'default') {",
    replacement: "function getLocaleDateFormat(locale = 'sv') {",
  },
  ...['log/Log.js', 'notifications/Notifications.js'].map((file) => ({
    why: `${file} of the simulation shows names of elements, which anybody may have given, as text and not as markup`,
    file: `bpmn-js-token-simulation/lib/features/${file}`,
    text: 'title="${ text }">${text}</span>',
    replacement: 'title="${ plain(text) }">${ plain(text) }</span>',
    beside: '\nconst plain = (text) => String(text).replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);\n',
  })),
];
