// The palette and the menus that create, append and replace elements offer only what is carried out here.
// data objects and stores have no effect: what a case knows are its variables
const REFUSED = /data-object|data-store|adhoc|ad-hoc|complex-gateway|conditional-(?!flow)|instantiat/i;

export class OurMenus {
  constructor(popupMenu, palette) {
    palette.registerProvider(100, this);
    for (const menu of ['bpmn-replace', 'bpmn-create', 'bpmn-append']) popupMenu.registerProvider(menu, 100, this);
  }

  getPopupMenuEntries() {
    return (entries) => Object.fromEntries(Object.entries(entries).filter(([id]) => !REFUSED.test(id)));
  }

  getPaletteEntries() {
    return ({ 'create.data-object': data, 'create.data-store': store, ...entries }) => entries;
  }

  getPopupMenuHeaderEntries() {
    return (entries) => Object.fromEntries(Object.entries(entries).filter(([id]) => id !== 'toggle-adhoc'));
  }
}
OurMenus.$inject = ['popupMenu', 'palette'];
