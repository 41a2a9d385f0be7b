// The palette and the menus that create, append and replace elements offer only what is carried out here.
// data objects and stores have no effect: what a case knows are its variables
const REFUSED = /data-object|data-store|adhoc|ad-hoc|complex-gateway|conditional-(?!flow)|instantiat/i;

export class OurMenus {
  constructor(popupMenu, palette) {
    palette.registerProvider(100, this);
    for (const menu of ['bpmn-replace', 'bpmn-create', 'bpmn-append']) popupMenu.registerProvider(menu, 100, this);
  }

  getPopupMenuEntries() {
    return (entries) => {
      const offered = Object.entries(entries).filter(([id]) => !REFUSED.test(id));
      // operations right behind the kinds of tasks
      const place = ([id, { group }]) => (group?.id === 'tasks' ? 1 : /\.template-/.test(id) ? 2 : 3);
      return Object.fromEntries(offered.map((entry, at) => [entry, at]).sort(([a, i], [b, j]) => place(a) - place(b) || i - j).map(([entry]) => entry));
    };
  }

  getPaletteEntries() {
    return ({ 'create.data-object': data, 'create.data-store': store, ...entries }) => entries;
  }

  getPopupMenuHeaderEntries() {
    return (entries) => Object.fromEntries(Object.entries(entries).filter(([id]) => id !== 'toggle-adhoc'));
  }
}
OurMenus.$inject = ['popupMenu', 'palette'];
