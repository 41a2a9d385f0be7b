// Who else is at work on the procedure, and whether somebody saved this file.

const EVERY = 15_000;

export function others({ server, path, me, keeper, bar }) {
  const look = async () => {
    try {
      const { editing, revisions } = await server.editing(path);
      bar.people(editing.filter(({ id }) => id !== me.id));
      if (!keeper.dirty && keeper.state === 'saved' && (revisions[path] ?? 0) > keeper.revision) bar.newer();
    } catch {
      // said by the state of saving, where it matters
    }
    setTimeout(look, EVERY);
  };
  void look();
}
