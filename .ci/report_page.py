"""What .ci/report-page asks of a page: `make RUN ROOM` puts questions into a copy of it, `judge RUN ROOM` holds the answers
of the browser against report.json."""

import base64
import collections
import hashlib
import html
import json
import os
import re
import sys

do, run, room = sys.argv[1:]
VERDICTS = ["fail", "warn", "inconclusive", "pass", "skip", "unsupported"]
MAX_BYTES = 5_000_000

# Before anything of the page runs.
LISTEN = """
window.problems = [];
addEventListener("error", event => problems.push("error: " + (event.message || event.target.outerHTML)), true);
addEventListener("unhandledrejection", event => problems.push("rejection: " + event.reason));
addEventListener("securitypolicyviolation", event => problems.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""

# Behind the page's own script.
ASK = r"""
"use strict";
function ask() {
  const shown = () => [...document.querySelectorAll("details.case")].filter(one => one.checkVisibility()
    && one.getClientRects().length).map(one => one.id);
  const text = id => document.getElementById(id).textContent;
  const key = (where, name) => where.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  const go = hash => { location.hash = hash; follow(); };
  const search = document.getElementById("search"), role = document.getElementById("role");
  const type = value => { search.value = value; search.dispatchEvent(new Event("input", { bubbles: true })); };
  const choose = value => { role.value = value; role.dispatchEvent(new Event("change", { bubbles: true })); };
  const answers = { verdicts: {}, numbers: {}, roles: {}, counts: {} };
  const filters = [...document.querySelectorAll(".tools button[data-verdict]")];
  const all = filters.find(button => !button.dataset.verdict);
  for (const button of filters) {
    const name = button.dataset.verdict || "all";
    answers.numbers[name] = Number(button.querySelector("b").textContent);
    if (button.disabled) { answers.verdicts[name] = []; continue; }
    button.click();
    answers.verdicts[name] = button === all ? [...document.querySelectorAll("details.case")].map(one => one.id) : shown();
    answers.counts[name] = text("count");
    if (button.getAttribute("aria-pressed") !== "true") problems.push(`${name} is not pressed`);
  }
  all.click();
  for (const option of role.options) {
    if (!option.value) continue;
    choose(option.value);
    answers.roles[option.value] = shown();
  }
  choose("");
  const cell = document.querySelector(".cell");
  answers.requirement = cell.hash.slice(1);
  type(answers.requirement);
  answers.searched = shown();
  type("nothing is like this");
  answers.none = [shown().length, document.getElementById("none").checkVisibility()];
  // A cell leads to its row, a row to its cases, although the search hides them.
  cell.click();
  const row = document.getElementById(answers.requirement);
  go(cell.hash);
  answers.row = row.checkVisibility() && row.closest("details").open;
  const link = row.querySelector("a");
  go(link.hash);
  const led = document.getElementById(link.hash.slice(1));
  answers.led = led.open && led.checkVisibility() && !search.value;
  answers.dangling = [...document.querySelectorAll("a[href^='#']")].filter(one => !document.getElementById(one.hash.slice(1))).length;
  // The keyboard: one stop a document, arrows inside, a slash to search, Escape to see all.
  answers.stops = [...document.querySelectorAll(".cells")].map(one => one.querySelectorAll("[tabindex='0']").length);
  const cells = [...document.querySelectorAll(".cells")].find(one => one.children.length > 1);
  cells.children[0].focus();
  key(cells.children[0], "ArrowRight");
  answers.arrow = document.activeElement === cells.children[1];
  document.activeElement.blur();
  key(document.body, "/");
  answers.slash = document.activeElement === search;
  type("pccr");
  key(search, "Escape");
  answers.escape = search.value === "";
  answers.cells = {};
  for (const one of document.querySelectorAll(".cell")) answers.cells[one.hash.slice(1)] = one.className.split(" ")[1];
  answers.markup = document.querySelectorAll("main script, main img, main iframe").length;
  answers.resources = performance.getEntriesByType("resource").map(one => one.name);
  // Everything unfolded is what is widest.
  for (const one of document.querySelectorAll("details")) one.open = true;
  answers.width = [document.documentElement.scrollWidth, innerWidth];
  answers.wide = [...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth
    && !one.parentElement.closest("pre")).slice(0, 3).map(one => one.outerHTML.slice(0, 120));
  answers.problems = problems;
  return answers;
}
"""

OUTER = """<!doctype html><meta charset="utf-8"><body><iframe id="wide" src="inner.html" width="1100" height="800"></iframe>
<iframe id="narrow" src="inner.html" width="400" height="800"></iframe><pre id="answers"></pre><script>
const all = {}; let left = 2;
for (const frame of document.querySelectorAll("iframe")) frame.addEventListener("load", () => {
  try { all[frame.id] = frame.contentWindow.ask(); } catch (error) { all[frame.id] = { broken: String(error.stack || error) }; }
  if (--left === 0) document.getElementById("answers").textContent = JSON.stringify(all);
});
</script>"""


def digest(script):
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"


def make():
    page = open(f"{run}/report.html", encoding="utf-8").read()
    if len(page.encode()) > MAX_BYTES:
        sys.exit(f"the page has {len(page.encode())} bytes; expected at most {MAX_BYTES}")
    for pattern in (r"""(?:src|href)=["']?(?:[a-z]+:)?//""", r"@import", r"url\("):
        found = re.search(pattern, page.split("<main>", 1)[0])
        if found:
            sys.exit(f"the page names something outside of itself: {found.group()}")
    changed = page.replace("script-src '", f"script-src {digest(LISTEN)} {digest(ASK)} '", 1)
    changed = changed.replace("<title>", f"<script>{LISTEN}</script><title>", 1)
    changed = changed.replace("</body>", f"<script>{ASK}</script></body>", 1)
    if changed.count("<script>") != 3:
        sys.exit("the page is not made as this check expects")
    open(f"{room}/inner.html", "w", encoding="utf-8").write(changed)
    open(f"{room}/outer.html", "w", encoding="utf-8").write(OUTER)


def judge():
    report = json.load(open(f"{run}/report.json", encoding="utf-8"))
    cases = report["cases"]
    dom = open(f"{room}/dom", encoding="utf-8").read()
    found = re.search(r'<pre id="answers">(.+?)</pre>', dom, re.S)
    if not found:
        sys.exit("the browser gave no answers")
    problems = []

    def same(what, one, other):
        if one != other:
            problems.append(f"{what}: {str(one)[:200]}, expected {str(other)[:200]}")

    answers = json.loads(html.unescape(found.group(1)))
    for width, said in answers.items():
        if "broken" in said:
            sys.exit(f"the page at {width}: {said['broken']}")
        ids = [case["id"] for case in cases]
        same("the number of all", said["numbers"]["all"], len(ids))
        same("all cases, each once", sorted(said["verdicts"]["all"]), sorted(ids))
        for verdict in VERDICTS:
            such = sorted(case["id"] for case in cases if case["verdict"] == verdict)
            same(f"the number of {verdict}", said["numbers"].get(verdict), report["summary"][verdict])
            same(f"shown by {verdict}", sorted(said["verdicts"].get(verdict, ["no such button"])), such)
            if such:
                same(f"said of {verdict}", said["counts"][verdict], f"{len(such)} of {len(ids)} cases")
        by_role = collections.defaultdict(list)
        for case in cases:
            for role in case["roles"]:
                by_role[role].append(case["id"])
        same("shown by role", {role: sorted(all) for role, all in said["roles"].items()},
             {role: sorted(all) for role, all in by_role.items()})
        named = {case["id"] for case in cases if said["requirement"] in case["requirements"]}
        if not named <= set(said["searched"]):
            problems.append(f"a search for {said['requirement']} does not show {named - set(said['searched'])}")
        same("requirements with a cell", sorted(said["cells"]), sorted({id for case in cases for id in case["requirements"]}))
        failing = {one["requirement"] for case in cases for one in case.get("findings", []) if one["is_failure"]}
        same("cells that fail", sorted(id for id, verdict in said["cells"].items() if verdict == "fail"), sorted(failing))
        same("what nothing is like", said["none"], [0, True])
        for name in ("row", "led", "arrow", "slash", "escape"):
            same(name, said[name], True)
        same("links to nothing", said["dangling"], 0)
        same("stops of the tab key", set(said["stops"]), {1})
        same("markup of somebody else", said["markup"], 0)
        same("what was loaded", said["resources"], [])
        same("errors", said["problems"], [])
        if said["width"][0] > said["width"][1]:
            problems.append(f"{width}: {said['width'][0]} pixels wide on a screen of {said['width'][1]}: {said['wide']}")
    console = [line for line in open(f"{room}/browser.log", encoding="utf-8", errors="replace") if "CONSOLE" in line]
    same("said on the console", console, [])
    page = open(f"{run}/report.html", encoding="utf-8").read()
    for path in re.findall(r'href="(evidence/[^"]+)"', page):
        if not os.path.exists(f"{run}/{path}"):
            problems.append(f"there is no {path}")
    if problems:
        sys.exit(f"the page of {run}:\n  " + "\n  ".join(problems[:15]))
    counts = ", ".join(f"{report['summary'][verdict]} {verdict}" for verdict in VERDICTS)
    print(f"the page of {len(cases)} cases ({counts}), {len(page) // 1000} kB: good")


{"make": make, "judge": judge}[do]()
