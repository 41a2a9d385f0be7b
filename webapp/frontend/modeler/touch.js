// Fingers on a diagram: one moves it, two make it larger or smaller. The viewer itself knows only mice.

export function touch(diagram) {
  const canvas = diagram.get('canvas');
  const container = canvas.getContainer();
  const fingers = new Map();
  container.style.touchAction = 'none';
  const spread = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y);
  const middle = ([a, b]) => {
    const { left, top } = container.getBoundingClientRect();
    return { x: (a.x + b.x) / 2 - left, y: (a.y + b.y) / 2 - top };
  };
  const place = ({ clientX: x, clientY: y }) => ({ x, y });

  container.addEventListener('pointerdown', (event) => event.pointerType === 'touch' && fingers.set(event.pointerId, place(event)));
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, (event) => fingers.delete(event.pointerId));
  container.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    const both = [...fingers.values()];
    fingers.set(event.pointerId, now);
    if (both.length === 1) canvas.scroll({ dx: now.x - before.x, dy: now.y - before.y });
    else if (both.length === 2) {
      const moved = [...fingers.values()];
      canvas.zoom(Math.min(4, Math.max(0.2, (canvas.zoom() * spread(moved)) / Math.max(spread(both), 1))), middle(moved));
    }
  });
}
