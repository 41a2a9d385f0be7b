// What a person is asked about saving: copies that were left in this browser, and files that somebody else changed meanwhile.
import { ask, clock, day } from './elements.js';
import { Keeper } from './keeper.js';

/** The keeper of the file at `path`, which asks whoever has the page of `editor` open what it cannot decide. */
export function keeping(editor, path, write) {
  const { say, server, procedure, bar, me } = editor;
  const told = (state, problem) => {
    bar.told(state, problem);
    if (state === 'taken') void asks.conflict(problem);
  };
  const keeper = new Keeper({ server, path, key: `partwell-draft:${me.id}:${procedure}:${path}`, write, told });
  const asks = questions({ say, server, path, keeper, bar, me });
  return Object.assign(keeper, { begin });

  /** What one goes on from, `{ text, revision }`: what the server has, or what this browser still holds of it and the person wants. */
  async function begin(there, narrow) {
    const left = narrow ? null : keeper.left(there.text);
    const taken = left && (await asks.takeLeft(left)) ? left : null;
    if (left && !taken) keeper.forget();
    const begun = taken ?? there;
    keeper.opened(begun.text, begun.revision);
    if (taken) keeper.changed();
    return begun;
  }
}

function questions({ say, server, path, keeper, bar, me }) {
  const { locale } = say;

  return { takeLeft, conflict };

  async function takeLeft({ at }) {
    const answer = await ask(
      say('This browser holds changes that were not saved'),
      [say('They are of {time}. The server has not got them.', { time: day(at, locale) })],
      [
        ['take', say('Go on with them'), 'btn-primary'],
        ['leave', say('Discard them')],
      ],
    );
    return answer !== 'leave';
  }

  /** Somebody else saved the file meanwhile, or took it away; what they have and what is drawn here both stay. */
  async function conflict(problem) {
    const { changed_by: by, changed_at: at, revision } = problem;
    const name = by?.id === me.id ? say('You, in another window,') : by?.name ?? say('Somebody');
    const time = at ? clock(at, locale) : '';
    const later = [null, say('Look at mine first')];
    const answer =
      revision === null
        ? await ask(
            say('{name} removed this file meanwhile', { name }),
            [say('{name} removed it at {time}. What you drew is still here.', { name, time })],
            [['again', say('Put it back with my changes'), 'btn-primary'], ['gone', say('Leave it removed'), 'btn-outline-danger'], later],
          )
        : await ask(
            say('{name} changed this file meanwhile', { name }),
            [
              say('{name} saved it at {time}. Neither their version nor yours has been overwritten.', { name, time }),
              say('You can keep yours as a file of its own beside it, and carry over from it what you need.'),
            ],
            [['copy', say('Keep mine as a copy and open theirs'), 'btn-primary'], ['theirs', say('Give mine up and open theirs'), 'btn-outline-danger'], later],
          );
    if (answer === null) return bar.decide(() => void conflict(problem));
    if (answer === 'again') return keeper.resolve(null);
    if (answer === 'copy') await keepCopy();
    keeper.forget();
    keeper.kept = keeper.changes;
    keeper.state = 'saved';
    if (answer === 'gone') location.assign(server.base);
    else location.reload();
  }

  async function keepCopy() {
    const text = await keeper.current();
    for (let number = 1; ; number += 1) {
      const copy = path.replace(/(\.[^./]+)$/, `-${say('copy')}${number > 1 ? number : ''}-${me.name}$1`);
      try {
        return await server.write(copy, text, null);
      } catch (error) {
        if (error.status !== 412 || number > 20) throw error;
      }
    }
  }
}

/** Saves when the connection is back, when the page is left, and at Ctrl+S; asks before something is left unsaved. */
export function watchful(keeper) {
  addEventListener('online', () => void keeper.save());
  addEventListener('pagehide', () => keeper.leaving());
  document.addEventListener('visibilitychange', () => document.hidden && void keeper.save());
  addEventListener('beforeunload', (event) => {
    if (['away', 'out', 'refused', 'taken'].includes(keeper.state)) event.preventDefault();
  });
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 's') {
      event.preventDefault();
      void keeper.save();
    }
  });
}
