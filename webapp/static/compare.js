"use strict";
// Two diagrams side by side: a click on an entry, or on an element in either, lights the element in both and brings it into view.

function light(card, id) {
  for (const lit of card.querySelectorAll(".lit")) lit.classList.remove("lit");
  let first = null;
  for (const element of card.querySelectorAll(`[data-element="${CSS.escape(id)}"]`)) {
    element.classList.add("lit");
    first ??= element;
    const drawing = element.closest(".drawing"), frame = drawing.getBoundingClientRect(), place = element.getBoundingClientRect();
    drawing.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
    drawing.scrollTop += place.top + place.height / 2 - frame.top - frame.height / 2;
  }
  for (const entry of card.querySelectorAll(`[data-lights="${CSS.escape(id)}"]`)) entry.closest("li")?.classList.add("lit");
  return first;
}

document.addEventListener("click", (event) => {
  const entry = event.target.closest("[data-lights]"), card = event.target.closest(".compared");
  if (entry) {
    const first = light(card, entry.dataset.lights);
    first?.closest(".compared-side").scrollIntoView({ block: "nearest" });
    return;
  }
  const element = event.target.closest(".compared .drawing [data-element]");
  if (element) light(card, element.dataset.element);
});
