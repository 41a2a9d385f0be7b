"use strict";
// The text of a file: a link to a line puts the cursor there, and what was typed is not left unsaved by mistake.

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]"), text = document.getElementById("text");
  if (!link || !text) return;
  event.preventDefault();
  const lines = text.value.split("\n"), line = Math.min(Number(link.dataset.line), lines.length);
  const at = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const column = Math.min(Number(link.dataset.column || 1) - 1, lines[line - 1].length);
  text.focus();
  text.setSelectionRange(at + column, at + (link.dataset.column ? column : lines[line - 1].length));
  const height = parseFloat(getComputedStyle(text).lineHeight) || 20;
  text.scrollTop = Math.max((line - 5) * height, 0);
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-typing]");
  if (form) form.dataset.typed = "";
});
