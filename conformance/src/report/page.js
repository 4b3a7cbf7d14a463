"use strict";
const cases = [...document.querySelectorAll("details.case")];
const groups = [...document.querySelectorAll("section.group")];
const roles = [...document.querySelectorAll("details.role")];
const buttons = [...document.querySelectorAll(".tools button[data-verdict]")];
const search = document.getElementById("search");
const role = document.getElementById("role");
const words = new Map(cases.map(one => [one, one.textContent.toLowerCase()]));
let verdict = "";

function show() {
  const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const isFiltered = Boolean(verdict || role.value || wanted.length);
  let count = 0;
  for (const one of cases) {
    const fits = (!verdict || one.classList.contains(verdict))
      && (!role.value || one.dataset.role.split(" ").includes(role.value))
      && wanted.every(word => words.get(one).includes(word));
    one.hidden = !fits;
    if (fits) count += 1;
  }
  const has = where => where.querySelector("details.case:not([hidden])") !== null;
  for (const group of groups) group.hidden = !has(group);
  for (const group of roles) {
    group.hidden = !has(group);
    group.open = isFiltered && !group.hidden;
  }
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
  document.getElementById("none").hidden = count > 0;
  document.getElementById("count").textContent = isFiltered ? `${count} of ${cases.length} cases` : "";
}

function clear() {
  verdict = "";
  role.value = "";
  search.value = "";
  show();
}

// A link to a case or a requirement unfolds what it is in, and ends a filter that hides it.
function follow() {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!found) return;
  if (found.closest("[hidden]")) clear();
  for (let at = found; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  found.scrollIntoView();
}

// One stop of the tab key for each document; arrows move inside.
for (const cells of document.querySelectorAll(".cells")) {
  const all = [...cells.children];
  all.forEach((cell, place) => { cell.tabIndex = place ? -1 : 0; });
  cells.addEventListener("keydown", event => {
    const at = all.indexOf(document.activeElement);
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    const next = all[steps[event.key]];
    if (at < 0 || !next) return;
    event.preventDefault();
    all[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

for (const button of buttons) button.addEventListener("click", () => { verdict = button.dataset.verdict; show(); });
search.addEventListener("input", show);
role.addEventListener("change", show);
document.getElementById("clear").addEventListener("click", clear);
addEventListener("hashchange", follow);
document.addEventListener("click", event => {
  // The same link a second time changes no hash.
  const link = event.target.closest("a[href^='#']");
  if (link && link.hash === location.hash) { event.preventDefault(); follow(); }
});
addEventListener("keydown", event => {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) { event.preventDefault(); search.focus(); }
  if (event.key === "Escape" && event.target === search) clear();
});
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = cases.filter(one => one.closest("#failed, #warned, #inconclusive") && !one.open);
  for (const one of unfolded) one.open = true;
});
addEventListener("afterprint", () => { for (const one of unfolded) one.open = false; });
// A browser may have kept what was typed before the page was loaded again.
show();
if (location.hash) follow();
