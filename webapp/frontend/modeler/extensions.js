// What a diagram says beyond the standard: zeebe's extension elements, and our settings among the zeebe:properties.
import { getBusinessObject, is } from 'bpmn-js/lib/util/ModelUtil';

const held = (object, type) => (object.get('extensionElements')?.get('values') ?? []).find((each) => is(each, type));

/** The extension element of a type, such as zeebe:FormDefinition; undefined where there is none. */
export const extension = (element, type) => held(getBusinessObject(element), type);

/** The value of a property, such as wf.chain; undefined where there is none. */
export const property = (element, name) =>
  extension(element, 'zeebe:Properties')
    ?.get('properties')
    ?.find((each) => each.name === name)?.value;

/**
 * Several settings changed at once, so that they are undone at once.
 *
 * `extensions`: type → attributes to set (undefined clears one), or null to remove the whole element. `properties`: name → value, or
 * null or '' to remove it. `others`: further [moddle element, attributes] to set.
 */
export function change(injector, element, { extensions = {}, properties = {}, others = [] }) {
  const factory = injector.get('bpmnFactory');
  const object = getBusinessObject(element);
  const commands = [];
  const update = (moddleElement, attributes) =>
    commands.push({ cmd: 'element.updateModdleProperties', context: { element, moddleElement, properties: attributes } });
  const create = (type, attributes, parent) => Object.assign(factory.create(type, attributes), { $parent: parent });

  const before = object.get('extensionElements');
  const holder = before ?? create('bpmn:ExtensionElements', { values: [] }, object);
  let values = [...(holder.get('values') ?? [])];
  const replace = (found, attributes, type) => {
    if (attributes === null) {
      values = values.filter((each) => each !== found);
    } else if (found) {
      update(found, attributes);
    } else {
      values.push(create(type, attributes, holder));
    }
  };
  for (const [type, attributes] of Object.entries(extensions)) {
    const found = held(object, type);
    if (found || attributes !== null) replace(found, attributes, type);
  }
  if (Object.keys(properties).length) changeProperties(held(object, 'zeebe:Properties'));
  if (!before) update(object, { extensionElements: holder });
  if (!before || values.length !== holder.get('values').length || values.some((each, at) => each !== holder.get('values')[at])) {
    update(holder, { values });
  }
  for (const [moddleElement, attributes] of others) update(moddleElement, attributes);
  injector.get('commandStack').execute('properties-panel.multi-command-executor', commands);

  function changeProperties(found) {
    const parent = found ?? create('zeebe:Properties', { properties: [] }, holder);
    let list = [...(parent.get('properties') ?? [])];
    for (const [name, value] of Object.entries(properties)) {
      const old = list.find((each) => each.name === name);
      if (value === null || value === undefined || value === '') list = list.filter((each) => each !== old);
      else if (old) update(old, { value });
      else list.push(create('zeebe:Property', { name, value }, parent));
    }
    if (found && list.length) update(found, { properties: list });
    else if (found) values = values.filter((each) => each !== found);
    else if (list.length) {
      parent.properties = list;
      values.push(parent);
    }
  }
}
