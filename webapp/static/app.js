// Small comforts; every page works without them.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("error-summary")?.focus();
  all(".drawing").forEach((drawing) => ("fit" in drawing.dataset ? fit(drawing) : zoom(drawing, 0)));
});

// What waits is counted anew while somebody looks; a page that lies behind others asks nothing until it comes to the front.
setInterval(() => document.hidden || all("[hx-trigger^=look]").forEach((counts) => htmx.trigger(counts, "look")), 20000);

// --- forms

// A second click while the first one is on its way changes nothing (and the server knows the request id anyway).
document.addEventListener("submit", (event) => {
  const button = event.submitter, form = event.target;
  if (!button || !("once" in button.dataset)) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  button.classList.add("is-sending");
  // a quiet save still on its way would come to work that is done
  all("[data-quiet]", form).forEach((part) => htmx.trigger(part, "htmx:abort"));
});

function ready(form) {
  delete form.dataset.sent;
  all(".is-sending", form).forEach((button) => button.classList.remove("is-sending"));
}
window.addEventListener("pageshow", () => all("form[data-sent]").forEach(ready));

// What is being sent needs no quiet save any more.
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.closest("form");
  if (!("quiet" in event.target.dataset)) return;
  if (form?.dataset.sent) event.preventDefault();
  else event.target.dataset.unsaved = "sending";
});

// What asks again by itself says that the server is away, until it answers.
document.addEventListener("htmx:afterRequest", (event) => {
  const away = event.detail.elt.querySelector(":scope > [data-away]"), { status } = event.detail.xhr;
  if (away) away.hidden = status > 0 && status < 500;
});

// Who leaves the page before that, by any way, finds on coming back what they typed.
document.addEventListener("input", (event) => {
  const part = event.target.closest("[data-quiet]");
  if (part) part.dataset.unsaved = "yes";
});
document.addEventListener("htmx:afterRequest", (event) => {
  const part = event.target;
  if (part.dataset?.unsaved === "sending" && event.detail.successful) delete part.dataset.unsaved;
});
function keep() {
  new Set(all("[data-quiet][data-unsaved]").map((part) => part.closest("form"))).forEach((form) => {
    const parts = all("[data-quiet]", form), typed = [...new FormData(form)].filter(([, value]) => typeof value === "string");
    parts.forEach((part) => delete part.dataset.unsaved);
    if (form.dataset.sent) return;
    const sent = { method: "POST", body: new URLSearchParams(typed), headers: { "HX-Request": "true" }, keepalive: true };
    const again = () => (parts[0].dataset.unsaved = "yes");
    fetch(parts[0].getAttribute("hx-post"), sent).then((answer) => answer.ok || again(), again);
  });
}
window.addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => document.hidden && keep());

// Another window saved meanwhile: the page says so, and what was typed stays on it.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 409 && event.detail.xhr.responseText.includes("draft:over")) [event.detail.shouldSwap, event.detail.isError] = [true, false];
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.elt.id === "work") document.getElementById("error-summary")?.focus();
  // The server says which fields its conditions hide now; what is typed stays where it is.
  const said = document.getElementById("saved");
  if (!said?.dataset.hidden) return;
  const hidden = new Set(JSON.parse(said.dataset.hidden)), brought = said.querySelector("template")?.content;
  // what it hid so far is not on the page; the server brings it now
  all("#fields [data-absent]").forEach((gap) => {
    const field = brought?.querySelector(`[data-field="${CSS.escape(gap.dataset.field)}"]`);
    if (!field || hidden.has(gap.dataset.field)) return;
    gap.replaceWith(field);
    htmx.process(field);
  });
  // what is hidden is posted, too, so that it is there again when the condition turns back; the server asks for none of it
  all("#fields [data-field]").forEach((field) => (field.hidden = hidden.has(field.dataset.field)));
});

// --- the table of an approval chain: what was unfolded stays so, what is typed is not left behind unsaved

let unfolded = [];
// while the table is on its way: the fields changed since, and what was pressed or chosen that sends it once more
let meanwhile = null;
const place = (field) => field.name + (field.type === "checkbox" || field.tagName === "BUTTON" ? "=" + field.value : "");
const same = (old) => all("#chain [name], #chain [formaction]").find((field) => field.tagName === old.tagName && place(field) === place(old));

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target.id !== "chain") return;
  if (meanwhile) {
    meanwhile.again = event.detail.elt;
    return event.preventDefault();
  }
  meanwhile = { fields: new Map(), again: null };
  // steps or rules change their places, and with them the names of all fields
  document.getElementById("table").inert = /^(up|down|remove|un)/.test(event.detail.elt.value);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "chain") return;
  // somebody else saved meanwhile: the page says so, and what was typed stays on it
  if (event.detail.xhr.status === 409) [event.detail.shouldSwap, event.detail.isError] = [true, false];
  unfolded = all("#chain details[open]").map((part) => part.id);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt.id !== "chain") return;
  unfolded.forEach((id) => id && document.getElementById(id)?.setAttribute("open", ""));
  document.querySelector("#chain [autofocus]")?.scrollIntoView({ block: "center" });
  const { fields, again } = meanwhile ?? { fields: new Map() };
  meanwhile = null;
  fields.forEach((old) => {
    const field = same(old);
    if (field) [field.value, field.checked] = [old.value, old.checked];
    document.getElementById("table").dataset.typed = "yes";
  });
  const next = again && same(again);
  if (next?.tagName === "BUTTON") next.click();
  else next?.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("input", (event) => {
  if (event.target.form?.id !== "table") return;
  event.target.form.dataset.typed = "yes";
  meanwhile?.fields.set(place(event.target), event.target);
});
document.addEventListener("submit", (event) => {
  if (event.target.id !== "table" || !meanwhile) return;
  meanwhile.again = event.submitter;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
document.addEventListener("submit", (event) => delete event.target.dataset.typed);
window.addEventListener("beforeunload", (event) => document.querySelector("form[data-typed]") && event.preventDefault());

// A form that could not be sent stays as it is and says why; a quiet save that fails must not look like one that worked.
function notSent(event) {
  const form = event.detail.elt.closest("form.work-form, form.chain-form");
  if (!form) return;
  if (form.id === "table") [meanwhile, form.inert] = [null, false];
  const part = document.getElementById("saved"), said = part?.querySelector(".saved");
  if (event.detail.elt.type === "file") event.detail.elt.value = "";
  else if (event.detail.elt !== form && form.id !== "table") {
    if (said) {
      said.textContent = part.dataset.failed;
      said.classList.add("is-failed");
    }
    return;
  }
  ready(form);
  const status = event.detail.xhr?.status || 0;
  const page = new DOMParser().parseFromString(event.detail.xhr?.responseText || "", "text/html");
  tell(form, page.querySelector("main h1")?.textContent, page.querySelector("main h1 + p")?.textContent, status);
}

function tell(form, title, text, status) {
  const notice = form.querySelector(".not-sent");
  notice.querySelector("[data-title]").textContent = title || notice.dataset.silent;
  notice.querySelector("[data-text]").textContent = text || "";
  notice.querySelector("[data-log-in]").hidden = status !== 401;
  notice.querySelector("[data-reload]").hidden = status !== 409;
  notice.hidden = false;
  notice.focus();
}
for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(failure, notSent);

// The button for files speaks the page's language, so the names of what was chosen are ours to show.
// A file that is too large is refused before anything is sent.
document.addEventListener("change", (event) => {
  const input = event.target, notice = input.form?.querySelector(".not-sent");
  if (input.type !== "file" || !notice || !input.files.length) return;
  if ([...input.files].some((file) => file.size > notice.dataset.limit * 1024 * 1024)) {
    event.stopImmediatePropagation();
    input.value = "";
    return tell(input.form, notice.dataset.large);
  }
  const names = input.closest(".file-choose")?.querySelector(".file-names");
  if (names) names.textContent = [...input.files].map((file) => file.name).join(", ");
}, true);

// --- several approved at once: how many are ticked stands on the button

function counted() {
  const form = document.getElementById("together");
  if (!form) return;
  const boxes = all('[name="item"][form="together"]'), ticked = boxes.filter((box) => box.checked).length;
  const every = form.querySelector("[data-all]"), button = form.querySelector("[data-count]");
  every.closest("label").hidden = false;
  every.checked = ticked === boxes.length;
  every.indeterminate = ticked > 0 && ticked < boxes.length;
  button.disabled = !ticked;
  button.querySelector("span").textContent = button.dataset.count.replace("#", ticked);
}
document.addEventListener("change", (event) => {
  if ("all" in event.target.dataset) all('[name="item"][form="together"]').forEach((box) => (box.checked = event.target.checked));
  counted();
});
for (const shown of ["DOMContentLoaded", "htmx:afterSwap"]) document.addEventListener(shown, counted);
window.addEventListener("pageshow", counted);

// --- diagrams: they open readable, with the current step in view; buttons, + and - zoom, a mouse drags, a finger scrolls

const ZOOMS = [0.25, 0.4, 0.6, 0.8, 1, 1.25, 1.6];

function zoom(drawing, step) {
  const svg = drawing.querySelector("svg"), box = svg.viewBox.baseVal;
  const level = Math.min(ZOOMS.length - 1, Math.max(0, Number(drawing.dataset.level ?? 4) + step));
  drawing.dataset.level = level;
  scale(svg, box, ZOOMS[level]);
  const lit = drawing.querySelector(".current") || drawing.querySelector(".heat-5") || drawing.querySelector(".startEvent");
  if (!lit) return;
  const place = lit.getBoundingClientRect(), frame = drawing.getBoundingClientRect();
  drawing.scrollLeft += place.left + place.width / 2 - frame.left - frame.width / 2;
  drawing.scrollTop += place.top + place.height / 2 - frame.top - frame.height / 2;
}

// The whole diagram at once; larger and smaller go on from there.
function fit(drawing) {
  const svg = drawing.querySelector("svg"), box = svg.viewBox.baseVal, style = getComputedStyle(drawing);
  const room = drawing.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const wanted = Math.min(1, room / box.width);
  const larger = ZOOMS.findIndex((each) => each > wanted);
  drawing.dataset.level = larger < 0 ? ZOOMS.length - 1 : larger - 1;
  scale(svg, box, wanted);
}

function scale(svg, box, by) {
  svg.setAttribute("width", box.width * by);
  svg.setAttribute("height", box.height * by);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (!button) return;
  const drawing = button.closest("section").querySelector(".drawing");
  if (button.dataset.zoom === "fit") fit(drawing);
  else zoom(drawing, Number(button.dataset.zoom));
});
document.addEventListener("keydown", (event) => {
  const step = { "+": 1, "=": 1, "-": -1 }[event.key];
  if (step && event.target.classList.contains("drawing")) zoom(event.target, step);
});

let dragged = null;
document.addEventListener("pointerdown", (event) => {
  dragged = event.pointerType === "mouse" && event.button === 0 ? event.target.closest(".drawing") : null;
  dragged?.classList.add("is-dragged");
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  dragged.scrollLeft -= event.movementX;
  dragged.scrollTop -= event.movementY;
});
document.addEventListener("pointerup", () => {
  dragged?.classList.remove("is-dragged");
  dragged = null;
});

// --- menus and paper

function closeMenus(besides) {
  all("details.menu[open]").forEach((menu) => (menu.open = menu.contains(besides)));
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));

// On paper nothing is folded away.
window.addEventListener("beforeprint", () => all("main details:not([open])").forEach((part) => (part.open = part.dataset.printed = true)));
window.addEventListener("afterprint", () => all("main details[data-printed]").forEach((part) => (part.open = false, delete part.dataset.printed)));
