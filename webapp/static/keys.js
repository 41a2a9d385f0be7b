// Keys for those who work through many items; every page works without them, and they can be switched off.
"use strict";

const OFF = "partwell-no-keys";
const help = () => document.getElementById("keys");
const rows = () => [...document.querySelectorAll("#list .row-link")];

function go(step) {
  const links = rows(), at = links.indexOf(document.activeElement);
  links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

// A decision is never one key away: the key leads to its button, Enter presses it.
function to(selector) {
  const found = document.querySelector(selector);
  found?.closest("details")?.setAttribute("open", "");
  found?.scrollIntoView({ block: "center" });
  found?.focus();
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  "/": () => to("#search"),
  a: () => to('#work [formaction$="/approve"]'),
  r: () => to('#work [formaction$="/reject"]'),
  n: () => document.querySelector("[data-next]")?.click(),
  "?": () => help()?.showModal(),
};

function typing(element) {
  return element.isContentEditable || ["TEXTAREA", "SELECT"].includes(element.tagName)
    || (element.tagName === "INPUT" && !["checkbox", "radio", "button", "submit"].includes(element.type));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !Object.hasOwn(KEYS, event.key)) return;
  if (typing(event.target) || help()?.open || (localStorage.getItem(OFF) && event.key !== "?")) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("DOMContentLoaded", () => {
  const chosen = document.getElementById("keys-on");
  if (!chosen) return;
  chosen.checked = !localStorage.getItem(OFF);
  chosen.addEventListener("change", () => (chosen.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "yes")));
  document.querySelectorAll("[data-keys]").forEach((button) => button.addEventListener("click", () => help().showModal()));
});
