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

// A name from the list goes where the cursor stands.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]"), text = document.getElementById("text");
  if (!button || !text) return;
  text.setRangeText(button.dataset.insert, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  text.focus();
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-typing]");
  if (form) form.dataset.typed = "";
});

// Who else has it open, told every 15 seconds, and that somebody saved it meanwhile.
document.addEventListener("DOMContentLoaded", () => {
  const line = document.querySelector("[data-editing]");
  if (!line) return;
  const { editing, path, me, csrf, says, saved, revision } = line.dataset;
  const tell = async () => {
    try {
      const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
      const answer = await fetch(editing, { method: "POST", headers, body: JSON.stringify({ path }) });
      if (!answer.ok) return;
      const told = await answer.json(), now = told.revisions[path];
      const others = told.editing.filter((one) => one.path === path && one.id !== me).map((one) => says.replace("{who}", one.name));
      const said = [...others, ...(now !== Number(revision) ? [saved] : [])];
      line.textContent = said.join(" · ");
      line.hidden = !said.length;
    } catch {
      // the next time
    }
  };
  tell();
  setInterval(tell, 15000);
});
