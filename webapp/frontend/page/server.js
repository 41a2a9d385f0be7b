// The studio's JSON of one procedure.

/** The server said no. `status`, and its problem with `title` and `detail` in the person's language. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || String(status));
    Object.assign(this, { status, problem });
  }
}

/** Nobody answered; how, browsers say in words of their own. */
export class Unreachable extends Error {}

/** Says `back` when it answers again, or the browser has a connection again. */
export class Server extends EventTarget {
  /** `base` is the address of the procedure's pages, `token` the page's token against forgery. */
  constructor(base, token, say) {
    super();
    Object.assign(this, { base, token, say, version: null, away: false });
    addEventListener('online', () => this.back());
  }

  back() {
    this.away = false;
    this.dispatchEvent(new Event('back'));
  }

  /** That nobody answered, for whoever waits for it. */
  lost() {
    this.away = true;
    return new Unreachable(this.say('The server cannot be reached. This goes on as soon as it is back.'));
  }

  file(path) {
    return `${this.base}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
  }

  async draft() {
    const draft = await this.json('draft.json');
    // said with each save: where nothing is kept yet, the files are those of this version
    this.version = draft.base ?? draft.active ?? null;
    return draft;
  }

  catalogue() {
    return this.json('catalogue.json');
  }

  check(files, signal) {
    return this.json('check', { method: 'POST', body: JSON.stringify({ files }), signal });
  }

  /** What can be said of the tables of a file, and what comes of its test rows. */
  tables(path, text, tests, signal) {
    return this.json('tables', { method: 'POST', body: JSON.stringify({ path, text, tests }), signal });
  }

  /** How often each rule applied in the cases of the last months. */
  matched() {
    return this.json('matched.json');
  }

  editing(path) {
    return this.json('editing', { method: 'POST', body: JSON.stringify({ path }) });
  }

  /** `{ text, revision }` of a file. */
  async read(path) {
    const answer = await this.ask(this.file(path), {});
    return { text: await answer.text(), revision: tag(answer) };
  }

  /** Stores a file over the revision one began from (null: a new file) and gives the new revision. Raises `Refused`, 412 where it changed. */
  async write(path, text, revision, { keepalive = false } = {}) {
    const condition = revision === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${revision}"` };
    const seen = this.version === null ? '' : `?base=${this.version}`;
    const answer = await this.ask(this.file(path) + seen, { method: 'PUT', body: text, keepalive, headers: { ...condition, 'Content-Type': 'application/octet-stream' } });
    return (await answer.json()).revision;
  }

  async json(rest, given = {}) {
    const headers = given.body ? { 'Content-Type': 'application/json' } : {};
    return (await this.ask(`${this.base}/${rest}`, { ...given, headers })).json();
  }

  async ask(address, { headers = {}, ...given }) {
    const sent = { ...given, credentials: 'same-origin', headers: { ...headers, 'X-CSRFToken': this.token, Accept: 'application/json, */*' } };
    const answer = await fetch(address, sent).catch((error) => {
      throw error.name === 'AbortError' ? error : this.lost();
    });
    if (this.away) this.back();
    if (answer.redirected && new URL(answer.url).pathname === '/log-in') throw new Refused(401, {});
    if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => ({})));
    return answer;
  }
}

const tag = (answer) => Number((answer.headers.get('ETag') ?? '"0"').replace(/^W\/|"/g, ''));
