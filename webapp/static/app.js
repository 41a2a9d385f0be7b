// Small comforts; every page works without them.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const summary = document.getElementById("error-summary");
  if (summary) summary.focus();
  document.querySelectorAll(".drawing").forEach((drawing) => zoom(drawing, 0));
});

// A second click while the first one is on its way changes nothing (and the server knows the request id anyway).
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !("once" in button.dataset)) return;
  if (button.form.dataset.sent) return event.preventDefault();
  button.form.dataset.sent = "yes";
  button.classList.add("is-sending");
});
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// The server says which fields its conditions hide now; what is typed stays where it is.
document.addEventListener("htmx:afterSwap", () => {
  const said = document.getElementById("saved");
  if (!said || !said.dataset.hidden) return;
  const hidden = new Set(JSON.parse(said.dataset.hidden));
  document.querySelectorAll("#fields [data-field]").forEach((field) => {
    field.hidden = hidden.has(field.dataset.field);
    if (field.tagName === "FIELDSET") field.disabled = field.hidden;
  });
});

// A save in the background that fails must not look like one that worked.
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, () => {
    const said = document.getElementById("saved");
    if (said) {
      said.textContent = said.dataset.failed;
      said.classList.add("is-failed");
    }
  });
}

// Diagrams open readable, with the current step in view; two buttons make them larger and smaller.
const ZOOMS = [0.2, 0.35, 0.55, 0.8, 1.1, 1.5];

function zoom(drawing, step) {
  const svg = drawing.querySelector("svg"), box = svg.viewBox.baseVal;
  const level = Math.min(ZOOMS.length - 1, Math.max(0, Number(drawing.dataset.level ?? 3) + step));
  drawing.dataset.level = level;
  svg.setAttribute("width", box.width * ZOOMS[level]);
  svg.setAttribute("height", box.height * ZOOMS[level]);
  const lit = drawing.querySelector(".current") || drawing.querySelector(".startEvent");
  if (!lit) return;
  const place = lit.getBoundingClientRect(), frame = drawing.getBoundingClientRect();
  drawing.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
  drawing.scrollTop += place.top + place.height / 2 - frame.top - frame.height / 2;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (button) zoom(button.closest("section").querySelector(".drawing"), Number(button.dataset.zoom));
});

// An open menu closes when attention goes elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => (menu.open = false));
});
