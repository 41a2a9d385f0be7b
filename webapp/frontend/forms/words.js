// form-js says all its words in its code: they are replaced as they come to the page.

/** What the person wrote is theirs: it is never taken for a word of the editor. */
const THEIRS = '.cm-content, .bio-properties-panel-header-label, .bio-properties-panel-collapsible-entry-header-title, pre, code, [data-theirs]';
/** Where forms are drawn nearly all is the person's; these are not. */
const DRAWN = '.fjs-form-container, .fjs-drag-row-move, .fjs-drag-move';
const IN_FORM = new Set([
  ...['Drag and drop components here.', 'Build your form', 'hh:mm', 'yyyy-mm-dd', 'hh:mm --', 'Drag and drop components here to start designing.', 'Powered by bpmn.io'],
  ...['Use the preview window to test your form.', 'Content', 'Select', 'Search', 'Document preview', 'Expression is empty', 'This is an image placeholder', 'No content to show.', 'No files selected', 'Browse', 'Nothing to show.', 'Repeatable', 'Remove', 'Add new', 'Show all', 'Show less'],
  ...['Increment', 'Decrement', 'Month', 'Year'],
  ...['Text', 'Html'].flatMap((kind) => [`${kind} view is empty`, `${kind} view is populated by an expression`, `${kind} view is templated`]),
]);
/** Sentences with something in them. */
const SENTENCES = [
  [/^Create an? (?<name>.+) element$/, 'Add {name}'],
  [/^Remove (?<name>.+)$/, 'Remove {name}'],
  [/^List contains (?<n>\d+) items?$/, 'List contains {n} items'],
  [/^Should be at least (?<n>[\d.-]+)\.$/, 'Should be at least {n}.'],
  [/^Should be at most (?<n>[\d.-]+)\.$/, 'Should be at most {n}.'],
  [/^Should not contain more than (?<n>\d+) decimal digits\.?$/, 'Should not contain more than {n} decimal digits.'],
  [/^Expression for '(?<key>.+)'$/, "Expression for '{key}'"],
  [/^Minimum (?<n>\d+) columns are allowed$/, 'Minimum {n} columns are allowed'],
  [/^Maximum (?<n>\d+) columns are allowed$/, 'Maximum {n} columns are allowed'],
  [/^New value exceeds the maximum of (?<n>\d+) columns per row$/, 'New value exceeds the maximum of {n} columns per row'],
];
const ATTRIBUTES = ['title', 'aria-label', 'placeholder', 'alt'];

/** Says what stands in `roots`, and what comes to stand there or in a pop-up over the page, in the person's language. */
export function translated(roots, say) {
  if (!say.chinese) return;
  const known = (text, drawn) => {
    const plain = text.trim();
    if (!/[a-zA-Z]{2}/.test(plain)) return text;
    for (const [pattern, sentence] of SENTENCES) {
      const found = pattern.exec(plain);
      if (found) return say(sentence, found.groups);
    }
    if (drawn ? !IN_FORM.has(plain) : /[\u4e00-\u9fff]/.test(plain)) return text;
    return text.replace(plain, () => say(plain));
  };
  const translate = (place) => {
    const [theirs, drawn] = [place.closest(THEIRS) !== null, place.closest(DRAWN) !== null];
    for (const name of ATTRIBUTES) {
      const said = place.getAttribute(name);
      if (said && known(said, drawn) !== said) place.setAttribute(name, known(said, drawn));
    }
    for (const text of theirs ? [] : place.childNodes) {
      if (text.nodeType === Node.TEXT_NODE && known(text.data, drawn) !== text.data) text.data = known(text.data, drawn);
    }
  };
  const all = (node) => {
    translate(node);
    for (const each of node.querySelectorAll('*')) translate(each);
  };
  const watch = new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === 'characterData') target.parentElement && translate(target.parentElement);
      else if (type === 'attributes') translate(target);
      else for (const node of [target, ...addedNodes]) if (node instanceof Element) node === target ? translate(node) : all(node);
    }
  });
  const begin = (root) => {
    all(root);
    watch.observe(root, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES });
  };
  roots.forEach(begin);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element && /bio-properties|fjs-|gu-/.test(node.className)) begin(node);
  }).observe(document.body, { childList: true });
}
