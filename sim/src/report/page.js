// The page of a run.
const DATA = JSON.parse($("data").textContent);
const S = DATA.summary, T = DATA.timeline, BIN = T.bin_seconds;
const SOURCES = [
  ["origin", "the origin", "bytes_from_origin"], ["peers", "neighbours", "bytes_from_peers"],
  ["hosted", "hosted caches", "bytes_from_hosted_cache"], ["local", "the own store", "bytes_from_local_cache"],
].filter(([, , key]) => S[key] > 0);
const sum = list => list.reduce((a, b) => a + b, 0);

function tile(label, value, small, kind) {
  const made = element("div", "tile" + (kind ? " " + kind : ""));
  made.append(element("span", "", label), element("strong", "", value), element("small", "", small));
  return made;
}
function head() {
  const chips = ["seed " + DATA.seed, DATA.engine + " engine", many(DATA.hosts, "host"), many(DATA.branches_in_all, "branch"),
    many(S.downloads, "download"), "peerdist " + DATA.version];
  $("chips").replaceChildren(...chips.map(text => element("span", "", text)));
  const met = DATA.expectations.filter(it => it.is_met).length, all = DATA.expectations.length;
  const tiles = [
    tile("saved on the line", percent(S.wan_saved_percent), bytes(S.wan_bytes) + " instead of " + bytes(S.wan_bytes_without_caching), "main"),
    tile("half of all downloads within", span(S.completion_seconds.p50), "nine of ten within " + span(S.completion_seconds.p90)),
    tile("slowest download", span(S.completion_seconds.max), "99 % within " + span(S.completion_seconds.p99)),
    tile("overhead", bytes(S.metadata_bytes + S.discovery_bytes), bytes(S.metadata_bytes) + " content information, " + bytes(S.discovery_bytes) + " discovery"),
    tile("downloads", whole(S.downloads - S.failed), S.failed ? whole(S.failed) + " did not end well" : "all ended well", S.failed ? "bad" : ""),
  ];
  if (all) tiles.push(tile("expectations", met + " of " + all, met === all ? "as expected" : "not as expected", met === all ? "good" : "bad"));
  $("tiles").replaceChildren(...tiles);
}

const rate = n => n * 8 / BIN;
const visible = (from, to) => [Math.max(0, Math.floor(from / BIN)), Math.max(1, Math.ceil(to / BIN))];
function most(lists, from, to) {
  const [first, last] = visible(from, to);
  let high = 0;
  for (const list of lists) for (let k = first; k < Math.min(last, list.length); k++) high = Math.max(high, list[k]);
  return high;
}
// From zero, in round steps of a unit.
function axis(high, format) {
  const marks = ticks(0, (high || 1) * 1.04, 5);
  return { most: Math.max((high || 1) * 1.04, marks[marks.length - 1]), ticks: marks, format };
}
const timeAxis = { ticks: timeTicks, format: moment };
const binOf = value => Math.min(T.wan_down_bytes.length - 1, Math.max(0, Math.floor(value / BIN)));
const binSays = k => moment(k * BIN, Math.min(1, BIN)) + " to " + moment((k + 1) * BIN, Math.min(1, BIN));

function wan() {
  const down = T.wan_down_bytes.map(rate), up = T.wan_up_bytes.map(rate), without = T.wan_down_bytes_without_caching.map(rate);
  const line = T.line_down_bits_per_second, peak = Math.max(0, ...down), other = Math.max(0, ...without);
  $("wan-says").textContent = "Towards the " + (DATA.branches_in_all === 1 ? "branch" : "branches, all lines together") + ", in bins of " + span(BIN) +
    ". With PeerDist at most " + bits(peak) + ", without it " + bits(other) + "; busy for " +
    span(BIN * down.filter(n => n > 0).length) + " instead of " + span(BIN * without.filter(n => n > 0).length) + ".";
  const entries = [["without", "", "without PeerDist", bytes(S.wan_bytes_without_caching)], ["with", "", "with PeerDist", bytes(sum(T.wan_down_bytes))],
    ["c5", "thin", "towards the data centre", bytes(sum(T.wan_up_bytes))], ["axis", "dash", "what the line can carry", bits(line)]];
  if (DATA.marks.length) entries.push(["mark", "", "faults"]);
  legend("wan-legend", entries);
  new Chart($("wan-plot"), {
    label: "What the line carried over time, with and without PeerDist: " + $("wan-says").textContent,
    height: 300, isTime: true, names: true, x: timeAxis,
    y: (from, to) => {
      const high = most([down, up, without], from, to);
      return axis(high > line * .6 ? Math.max(high, line) : high, n => n ? bits(n) : "0");
    },
    layers: (chart, into, from, to) => {
      const plain = chart.steps(without, BIN, from, to), mine = chart.steps(down, BIN, from, to), back = chart.steps(up, BIN, from, to);
      into.append(svg("path", { d: plain.area, fill: color("without"), opacity: .3 }), svg("path", { d: plain.edge, class: "edge thin", stroke: color("without") }),
        svg("path", { d: mine.area, fill: color("with"), opacity: .55 }), svg("path", { d: mine.edge, class: "edge", stroke: color("with") }),
        svg("path", { d: back.edge, class: "edge thin", stroke: color("c5") }));
      if (chart.y(line) > chart.box.top - 8) {
        into.append(svg("line", { class: "edge thin dash", stroke: color("axis"), x1: chart.box.left, x2: chart.box.right, y1: chart.y(line), y2: chart.y(line) }));
      }
    },
    tip: value => {
      const k = binOf(value);
      const at = DATA.marks.filter(mark => mark.at_seconds <= (k + 1) * BIN && (mark.until_seconds === null ? mark.at_seconds : mark.until_seconds) >= k * BIN);
      return { x: (k + .5) * BIN, title: binSays(k), rows: [["without", "without", bits(without[k])], ["with", "with PeerDist", bits(down[k])],
        ["c5", "up", bits(up[k])], ...at.map(mark => ["mark", mark.label, ""])] };
    },
  });
}

function sources() {
  const total = sum(SOURCES.map(([, , key]) => S[key])) || 1;
  $("sources-says").textContent = SOURCES.length ? SOURCES.map(([, label, key]) => percent(100 * S[key] / total) + " from " + label).join(", ") + "." : "Nothing came.";
  $("sources-bar").setAttribute("aria-label", $("sources-says").textContent);
  $("sources-bar").replaceChildren(...SOURCES.map(([name, , key]) => {
    const part = element("i");
    part.style.cssText = "width:" + 100 * S[key] / total + "%;background:" + color(name);
    return part;
  }));
  legend("sources-legend", SOURCES.map(([name, label, key]) => [name, "", label, bytes(S[key])]));
  const rates = SOURCES.map(([, , key]) => T[key].map(rate));
  const sums = SOURCES.map(([, , key]) => { let so = 0; return T[key].map(n => so += n); });
  const stack = lists => {
    let base = T.wan_down_bytes.map(() => 0);
    return lists.map(list => { const low = base; base = list.map((n, k) => n + low[k]); return { low, high: base }; });
  };
  const stacked = [stack(sums), stack(rates)];
  let isRate = 0;
  const chart = new Chart($("sources-plot"), {
    label: "Where content came from over time, stacked: " + $("sources-says").textContent, height: 280, isTime: true, x: timeAxis,
    y: (from, to) => {
      const layers = stacked[isRate];
      return axis(most(layers.length ? [layers[layers.length - 1].high] : [], from, to), n => n ? (isRate ? bits : bytes)(n) : "0");
    },
    layers: (chart, into, from, to) => stacked[isRate].forEach(({ low, high }, at) => {
      const { area } = chart.steps(high, BIN, from, to, low);
      into.append(svg("path", { d: area, fill: color(SOURCES[at][0]), opacity: .85, stroke: color("card"), "stroke-width": .6 }));
    }),
    tip: value => {
      const k = binOf(value), lists = isRate ? rates : sums, say = isRate ? bits : bytes;
      const rows = SOURCES.map(([name, label], at) => [name, label, say(lists[at][k] || 0)]).reverse();
      return { x: (k + .5) * BIN, title: isRate ? binSays(k) : "by " + moment((k + 1) * BIN, Math.min(1, BIN)), rows };
    },
  });
  const choose = which => {
    isRate = which;
    $("sum").setAttribute("aria-pressed", which === 0);
    $("rate").setAttribute("aria-pressed", which === 1);
    chart.draw();
  };
  $("sum").onclick = () => choose(0);
  $("rate").onclick = () => choose(1);
}

function times() {
  const curves = DATA.curves.filter(curve => curve.seconds.length);
  const C = S.completion_seconds;
  $("times-says").textContent = "The part of all downloads that was complete within a time: half within " + span(C.p50) + ", nine of ten within " + span(C.p90) + ".";
  if (!curves.length) return;
  const low = Math.min(...curves.map(it => it.seconds[0])), high = Math.max(...curves.map(it => it.seconds[it.seconds.length - 1]));
  const log = high > low * 30 && low > 0;
  const from = log ? Math.pow(10, Math.floor(Math.log10(low) * 3) / 3) : 0, to = log ? high * 1.15 : high * 1.06 || 1;
  const logTicks = (from, to, count) => {
    const decades = Math.log10(to / from), all = [], parts = decades * 3 <= count ? [1, 2, 5] : [1];
    const every = Math.max(1, Math.ceil(decades / count));
    for (let p = Math.floor(Math.log10(from)); p <= Math.log10(to); p++) if (p % every === 0) for (const n of parts) {
      const at = n * Math.pow(10, p);
      if (at >= from * .999 && at <= to) all.push(at);
    }
    return all;
  };
  legend("times-legend", curves.length > 1 ? curves.map((curve, at) => ["c" + at, "", curve.name, whole(curve.complete)]) : []);
  const partOf = (curve, at) => (curve.seconds.length < 2 ? 1 : at / (curve.seconds.length - 1)) * curve.complete / curve.downloads;
  const within = (curve, seconds) => {
    let low = 0, high = curve.seconds.length;
    while (low < high) { const m = (low + high) >> 1; if (curve.seconds[m] <= seconds) low = m + 1; else high = m; }
    return low ? Math.max(partOf(curve, low - 1), curve.complete / curve.downloads / curve.seconds.length) : 0;
  };
  const short = n => n < 1 ? span(n) : n < 90 ? +n.toPrecision(3) + NARROW + "s" : span(n);
  new Chart($("times-plot"), {
    label: "How long downloads took, as a cumulative distribution: " + $("times-says").textContent, height: 260,
    x: { from, to, log, ticks: log ? logTicks : ticks, format: short },
    y: () => ({ most: 1, ticks: [0, .25, .5, .75, 1], format: n => Math.round(100 * n) + NARROW + "%" }),
    layers: (chart, into) => [...curves].reverse().forEach((curve, back) => {
      const at = curves.length - 1 - back;
      let d = "M" + chart.x(Math.max(from, curve.seconds[0])).toFixed(1) + " " + chart.y(0).toFixed(1);
      curve.seconds.forEach(seconds => { d += "H" + chart.x(seconds).toFixed(1) + "V" + chart.y(within(curve, seconds)).toFixed(1); });
      d += "H" + chart.box.right;
      into.append(svg("path", { d, class: "edge" + (at > 0 ? " thin" : ""), stroke: color("c" + at) }));
    }),
    tip: value => ({ x: value, title: "within " + span(value), rows: curves.map((curve, at) => ["c" + at, curve.name, percent(100 * within(curve, value))]) }),
  });
}

function active() {
  const list = T.downloads_active, peak = Math.max(0, ...list);
  $("active-says").textContent = "The most at a time, in bins of " + span(BIN) + "; never more than " + whole(peak) + ".";
  new Chart($("active-plot"), {
    label: "Downloads under way over time. " + $("active-says").textContent, height: 260, isTime: true, x: timeAxis,
    y: (from, to) => {
      const scale = axis(most([list], from, to), whole);
      scale.ticks = scale.ticks.filter(Number.isInteger);
      return scale;
    },
    layers: (chart, into, from, to) => {
      const { area, edge } = chart.steps(list, BIN, from, to);
      into.append(svg("path", { d: area, fill: color("c2"), opacity: .35 }), svg("path", { d: edge, class: "edge thin", stroke: color("c2") }));
    },
    tip: value => { const k = binOf(value); return { x: (k + .5) * BIN, title: binSays(k), rows: [["c2", "under way", whole(list[k])]] }; },
  });
}

function mix(row) {
  const bar = element("span", "mix"), total = sum(SOURCES.map(([, , key]) => row[key])) || 1;
  bar.title = SOURCES.map(([, label, key]) => label + ": " + bytes(row[key])).join("\n");
  bar.append(...SOURCES.map(([name, , key]) => {
    const part = element("i");
    part.style.cssText = "width:" + 100 * row[key] / total + "%;background:" + color(name);
    return part;
  }));
  return bar;
}
function branches() {
  const columns = [["Branch", row => row.name, String], ["Hosts", row => row.hosts, whole], ["Downloads", row => row.downloads, whole],
    ["Failed", row => row.failed, whole], ["On the line", row => row.wan_bytes, bytes], ["Without", row => row.wan_bytes_without_caching, bytes],
    ["Saved", row => row.wan_saved_percent, percent], ["From", row => row.bytes_from_origin / (row.wan_bytes_without_caching || 1), null],
    ["Median", row => row.completion_seconds.p50, span], ["90 %", row => row.completion_seconds.p90, span], ["Slowest", row => row.completion_seconds.max, span]];
  const order = { column: -1, down: false };
  const left = DATA.branches_in_all - DATA.branches.length;
  const draw = () => {
    const wanted = $("filter").value.trim().toLowerCase();
    let rows = DATA.branches.filter(row => row.name.toLowerCase().includes(wanted));
    if (order.column >= 0) {
      const of = columns[order.column][1], sign = order.down ? -1 : 1;
      rows.sort((a, b) => sign * (typeof of(a) === "string" ? of(a).localeCompare(of(b), "en", { numeric: true }) : of(a) - of(b)));
    }
    const found = rows.length;
    rows = rows.slice(0, 200);
    $("branches-says").textContent = (found > rows.length ? "The first " + rows.length + " of " + whole(found) + "; sort or filter to see others. " : "") +
      (left > 0 ? "The first " + whole(DATA.branches.length) + " of " + whole(DATA.branches_in_all) + " branches are listed; all downloads are in transfers.parquet." : "");
    $("branches-says").hidden = !$("branches-says").textContent;
    $("branches-rows").replaceChildren(...rows.map(row => {
      const line = element("tr");
      columns.forEach(([, of, say], at) => {
        const cell = element(at ? "td" : "th", at && say ? "n" : "");
        if (!at) cell.scope = "row";
        if (say) cell.textContent = say(of(row)); else cell.append(mix(row));
        line.append(cell);
      });
      return line;
    }));
    [...$("branches-head").children].forEach((cell, at) => cell.setAttribute("aria-sort", at !== order.column ? "none" : order.down ? "descending" : "ascending"));
  };
  $("branches-head").replaceChildren(...columns.map(([name, , say], at) => {
    const cell = element("th", at && say ? "n" : ""), button = element("button", "", name);
    cell.scope = "col";
    button.type = "button";
    button.onclick = () => { order.down = order.column === at ? !order.down : at > 0; order.column = at; draw(); };
    cell.append(button);
    return cell;
  }));
  $("filter").oninput = draw;
  if (DATA.branches.length < 8) $("filter").hidden = true;
  draw();
}

function rest() {
  $("expected").hidden = !DATA.expectations.length;
  $("expected-rows").replaceChildren(...DATA.expectations.map(it => {
    const line = element("li");
    line.append(element("span", "verdict " + (it.is_met ? "yes" : "no"), it.is_met ? "✓ met" : "✗ not met"), element("code", "", it.text),
      document.createTextNode(" — it is " + +it.found.toPrecision(8)));
    return line;
  }));
  $("runs").hidden = !DATA.means.length;
  if (DATA.means.length) {
    $("runs-says").textContent = "Means of " + DATA.means[0][1].runs + " runs with seeds of their own; the figures above are those of the first.";
    const say = (name, n) => n === null ? "" : name.includes("seconds") ? span(n) : name.includes("percent") ? percent(n) : name.includes("bytes") ? bytes(n) : +n.toPrecision(6) + "";
    $("runs-rows").replaceChildren(...DATA.means.map(([name, mean]) => {
      const line = element("tr"), cell = element("th", "");
      cell.scope = "row";
      cell.append(element("code", "", name));
      line.append(cell, element("td", "n", say(name, mean.mean)), element("td", "n", mean.confidence_95 === null ? "" : "± " + say(name, mean.confidence_95)));
      return line;
    }));
  }
  $("command").textContent = DATA.command;
  const facts = [["Trace", S.trace_hash], ["Scenario, SHA-256", DATA.scenario_sha256], ["Program", "peerdist " + DATA.version],
    ["Tables", "timeseries.parquet, transfers.parquet, summary.csv"]];
  $("facts").replaceChildren(...facts.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]));
  $("from").hidden = !DATA.sources.length;
  $("from-rows").replaceChildren(...DATA.sources.map(text => element("li", "", text)));
}

head();
linked.whole = [0, Math.max(BIN, T.wan_down_bytes.length * BIN)];
linked.least = 4 * BIN;
[linked.from, linked.to] = linked.whole;
wan();
sources();
times();
active();
$("net-says").textContent = networkSays() + " Squares are hosts, coloured by where they look first; lines are as thick as they are fast.";
drawNetwork($("net-plot"));
branches();
rest();
document.body.dataset.drawn = "yes";
