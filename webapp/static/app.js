// Small comforts; every page works without them.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const summary = document.getElementById("error-summary");
  if (summary) summary.focus();
  document.querySelectorAll(".diagram").forEach(showLitStep);
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

// Diagrams: larger, smaller, and the current step in view.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (!button) return;
  const diagram = button.closest("section").querySelector(".diagram");
  const now = Number(diagram.className.match(/zoom-(\d)/)[1]);
  const next = Math.min(4, Math.max(0, now + Number(button.dataset.zoom)));
  diagram.classList.replace(`zoom-${now}`, `zoom-${next}`);
  showLitStep(diagram);
});

function showLitStep(diagram) {
  const lit = diagram.querySelector(".lit");
  if (!lit) return;
  const step = lit.getBoundingClientRect(), frame = diagram.getBoundingClientRect();
  diagram.scrollLeft += step.left + step.width / 2 - frame.left - frame.width / 2;
  diagram.scrollTop += step.top + step.height / 2 - frame.top - frame.height / 2;
}

// An open menu closes when attention goes elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelectorAll("details.menu[open]").forEach((menu) => (menu.open = false));
});
