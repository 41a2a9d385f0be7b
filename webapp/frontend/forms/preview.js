// The form as those who fill it in see it, on a screen of a phone's width: the server draws it and checks what is typed into it.
import { h } from '../page/elements.js';

const WAIT = 500;
const NAME = 'studio-preview';

export class Preview {
  /** `text` gives the form as it is now, `token` is the page's against forgery. */
  constructor(root, { base, path, token, say, text, server }) {
    Object.assign(this, { base, path, token, text, server, wanted: false });
    // its own policy lets no script of its own run; this page listens to it
    this.frame = h('iframe', { class: 'studio-phone', name: NAME, title: say('Preview'), sandbox: 'allow-same-origin allow-forms allow-scripts' });
    this.frame.addEventListener('load', () => this.loaded());
    this.note = h('p', { class: 'studio-unanswered', role: 'status', hidden: true });
    root.append(this.note, this.frame);
    server.addEventListener('back', () => !this.note.hidden && this.soon(0));
  }

  /** Shows what is drawn now, after a moment; nothing while nobody looks. */
  soon(wait = WAIT) {
    clearTimeout(this.timer);
    if (this.wanted) this.timer = setTimeout(() => void this.show(), wait);
  }

  /** Somebody begins to look, or looks away. */
  look(yes) {
    this.wanted = yes;
    this.soon(0);
  }

  get form() {
    return this.frame.contentDocument?.getElementById('preview') ?? null;
  }

  async show() {
    const text = await this.text();
    const standing = this.form;
    if (standing) {
      standing.elements['form:schema'].value = text;
      return this.again();
    }
    const fields = { csrf_token: this.token, 'form:path': this.path, 'form:schema': text };
    const sent = h('form', { method: 'post', action: `${this.base}/preview`, target: NAME, hidden: true }, ...Object.entries(fields).map(([name]) => h('textarea', { name })));
    for (const [name, value] of Object.entries(fields)) sent.elements[name].value = value;
    document.body.append(sent);
    sent.submit();
    sent.remove();
    return undefined;
  }

  /** The page once more, with what was typed; where one was is kept. */
  again() {
    const { contentWindow: page, contentDocument: drawn } = this.frame;
    this.place = { top: page.scrollY, at: drawn.activeElement?.id };
    const { form } = this;
    form.requestSubmit(form.elements.update);
  }

  loaded() {
    const drawn = this.frame.contentDocument;
    // a page of the browser's own says that nobody answered, which no other page may read
    this.note.hidden = Boolean(drawn);
    this.frame.hidden = !drawn;
    if (!drawn) {
      this.note.textContent = this.server.lost().message;
      return;
    }
    // what is pressed meanwhile goes first
    let waiting;
    drawn.addEventListener('change', ({ target }) => {
      clearTimeout(waiting);
      if (target.type !== 'file') waiting = setTimeout(() => this.again(), 200);
    });
    drawn.addEventListener('submit', () => clearTimeout(waiting));
    if (!this.place) return;
    this.frame.contentWindow.scrollTo(0, this.place.top);
    if (this.place.at) drawn.getElementById(this.place.at)?.focus({ preventScroll: true });
    this.place = null;
  }
}
