// Keeps what is drawn: on the server as it is drawn, and in this browser until the server has it.

/** After a pause of REST ms, at the latest LONGEST ms after the first change; a server that is away is asked again every AGAIN ms. */
const REST = 1200;
const LONGEST = 4000;
const AGAIN = 5000;
/** The copy in this browser lags this far behind what is drawn. */
const COPY = 300;
/** What a page that goes away may still send. */
const LAST_WORDS = 60_000;

/**
 * `write` gives the file's text as it is now. `told` hears each state: saved, changed, saving, away (the server cannot be reached),
 * out (the log-in ended), refused, taken (somebody else saved meanwhile: nothing is sent until `resolve`).
 */
export class Keeper {
  constructor({ server, path, key, write, told, storage = window.localStorage }) {
    Object.assign(this, { server, path, key, write, told, storage });
    this.changes = this.kept = 0;
    this.state = 'saved';
  }

  opened(text, revision) {
    Object.assign(this, { revision, latest: text, changes: 0, kept: 0, first: null });
    clearTimeout(this.timer);
    this.set('saved');
  }

  get dirty() {
    return this.changes !== this.kept;
  }

  changed() {
    this.changes += 1;
    this.first ??= Date.now();
    this.text = null;
    clearTimeout(this.copying);
    this.copying = setTimeout(() => void this.copy(), COPY);
    if (this.state === 'taken') return;
    if (this.state !== 'saving') this.set('changed');
    this.soon(Math.max(0, Math.min(REST, this.first + LONGEST - Date.now())));
  }

  soon(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.save(), wait);
  }

  /** The text of now; written once for everybody who asks between two changes. */
  current() {
    this.text ??= this.write().then((text) => (this.latest = text));
    return this.text;
  }

  /** Sends what is not saved. True when the server has all of it. */
  async save() {
    clearTimeout(this.timer);
    if (this.sending) {
      await this.sending;
      return this.dirty ? this.save() : true;
    }
    if (!this.dirty || this.state === 'taken') return !this.dirty;
    this.sending = this.send();
    try {
      return await this.sending;
    } finally {
      this.sending = null;
      if (this.dirty && this.state === 'saved') {
        this.set('changed');
        this.soon(REST);
      }
    }
  }

  async send() {
    const changes = this.changes;
    this.first = null;
    this.set('saving');
    try {
      const text = await this.current();
      this.revision = await this.server.write(this.path, text, this.revision);
      this.kept = changes;
      if (!this.dirty) this.forget();
      this.set('saved');
      return !this.dirty;
    } catch (error) {
      await this.copy();
      if (error.status === 412) this.set('taken', error.problem);
      else if (error.status === 401) {
        // whoever logs in again, in another window too, has the same page go on
        this.set('out');
        this.soon(AGAIN);
      } else if (error.status === undefined || error.status >= 500) {
        this.set('away');
        this.soon(AGAIN);
      } else this.set('refused', error.problem);
      return false;
    }
  }

  /** Goes on after somebody else changed the file: the server has `revision` of it now, null where it is gone. */
  resolve(revision) {
    this.revision = revision;
    this.set('changed');
    return this.save();
  }

  set(state, problem = null) {
    this.state = state;
    this.told(state, problem);
  }

  // --- in this browser

  async copy() {
    if (!this.dirty) return;
    const text = await this.current();
    if (this.dirty) this.put(text);
  }

  put(text) {
    try {
      this.storage.setItem(this.key, JSON.stringify({ text, revision: this.revision, at: new Date().toISOString() }));
    } catch {
      // full, or forbidden by the browser's settings: the server still gets it
    }
  }

  forget() {
    this.storage.removeItem(this.key);
  }

  /** What this browser holds and the server never got: `{ text, revision, at }`, or null. */
  left(text) {
    let copy = null;
    try {
      copy = JSON.parse(this.storage.getItem(this.key) ?? 'null');
    } catch {
      this.forget();
    }
    if (copy?.text === text) this.forget();
    return copy && copy.text !== text ? copy : null;
  }

  /** The page goes away: whatever is known is put aside, and sent where it is small enough to be sent by a page that is gone. */
  leaving() {
    if (!this.dirty) return;
    this.put(this.latest);
    void this.copy();
    if (this.state !== 'taken' && this.latest.length < LAST_WORDS && this.text === null) void this.save();
    else if (this.state !== 'taken' && this.latest.length < LAST_WORDS) {
      void this.server.write(this.path, this.latest, this.revision, { keepalive: true }).catch(() => {});
    }
  }
}
