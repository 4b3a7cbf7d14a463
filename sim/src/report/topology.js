// The network as a picture: the data centre, the lines, and what is at the end of each.
const HOSTS_DRAWN = 40, SITES_DRAWN = 12;
const MODE = { distributed: "peers", hosted: "hosted", local: "local", off: "without" };
const MODE_SAYS = {
  distributed: "ask their neighbours", hosted: "ask the hosted cache", local: "only their own store", off: "plain HTTP",
};
function drawNetwork(place) {
  const draw = () => {
    const width = paper.is ? paper.wide : Math.max(280, Math.round(place.clientWidth) || 900), isNarrow = width < 560;
    const sites = DATA.sites.slice(0, SITES_DRAWN), rest = DATA.sites.length - sites.length;
    const cardWide = Math.min(isNarrow ? width - 60 : 300, width), gap = 18;
    const columns = isNarrow ? 1 : Math.max(1, Math.min(sites.length, Math.floor((width + gap) / (230 + gap))));
    const card = isNarrow ? cardWide : Math.min(300, (width - gap * (columns - 1)) / columns);
    const perRow = Math.floor((card - 28) / 14);
    const rows = [];
    for (let k = 0; k < sites.length; k += columns) rows.push(sites.slice(k, k + columns));
    const dots = site => {
      let left = HOSTS_DRAWN;
      return site.groups.map(group => {
        const shown = Math.min(group.count, Math.max(1, left));
        left -= shown;
        return { group, shown };
      });
    };
    const tallOf = site => 62 + dots(site).reduce((sum, { shown }) => sum + 20 + 14 * Math.ceil(shown / perRow), 0);
    const most = Math.max(1, ...sites.map(site => site.down_bits_per_second)), least = Math.min(...sites.map(site => site.down_bits_per_second));
    const thick = rate => most === least ? 4 : 2 + 6 * Math.log(rate / least) / Math.log(most / least);
    const root = svg("svg", { role: "img", "aria-label": networkSays() });
    const lines = svg("g"), cards = svg("g");
    root.append(svg("title", {}, networkSays()), lines, cards);
    const centreX = isNarrow ? 22 : width / 2;
    let y = 58, trunk = 44;
    for (const row of rows) {
      const tall = Math.max(...row.map(tallOf)), line = 46;
      const total = row.length * card + (row.length - 1) * gap, start = isNarrow ? 48 : (width - total) / 2;
      row.forEach((site, at) => {
        const x = start + at * (card + gap), top = y + line, middle = x + card / 2;
        const path = isNarrow
          ? "M" + centreX + " " + trunk + "V" + (top + 24) + "H" + x
          : "M" + centreX + " 44V" + (y + 14) + "H" + middle + "V" + top;
        const wire = svg("path", { d: path, fill: "none", stroke: color("axis"), "stroke-width": thick(site.down_bits_per_second).toFixed(1), "stroke-linejoin": "round" });
        wire.append(svg("title", {}, site.name + ": " + bits(site.down_bits_per_second) + " down, " + bits(site.up_bits_per_second) + " up"));
        lines.append(wire);
        drawSite(cards, site, dots(site), x, top, card, tallOf(site), perRow, isNarrow);
      });
      y += line + tall;
    }
    if (rest > 0) {
      y += 24;
      cards.append(svg("text", { x: width / 2, y, "text-anchor": "middle" }, "and " + many(rest, "site") + " more"));
    }
    cards.append(svg("rect", { x: isNarrow ? 1 : centreX - 80, y: 6, width: 160, height: 40, rx: 8, fill: color("card"), stroke: color("origin"), "stroke-width": 1.6 }));
    cards.append(svg("text", { class: "strong", x: isNarrow ? 81 : centreX, y: 24, "text-anchor": "middle" }, "Data centre"));
    cards.append(svg("text", { x: isNarrow ? 81 : centreX, y: 39, "text-anchor": "middle" }, "the origin"));
    root.setAttribute("viewBox", "0 0 " + width + " " + (y + 10));
    place.replaceChildren(root);
  };
  let seen = 0;
  new ResizeObserver(() => {
    const width = Math.round(place.clientWidth);
    if (!paper.is && width && width !== seen) { seen = width; draw(); }
  }).observe(place);
  paper.all.push(draw);
  draw();
}
function drawSite(into, site, groups, x, y, wide, tall, perRow, isNarrow) {
  const box = offset => svg("rect", { x: x + offset, y: y + offset, width: wide, height: tall, rx: 9, fill: color("card"), stroke: color("line"), "stroke-width": 1.2 });
  if (site.copies > 1) into.append(box(6), box(3));
  into.append(box(0));
  into.append(svg("text", { class: "strong", x: x + 14, y: y + 22 }, site.name + (site.copies > 1 ? "  ×" + whole(site.copies) : "")));
  const up = site.up_bits_per_second === site.down_bits_per_second ? "" : ", " + bits(site.up_bits_per_second) + " up";
  into.append(svg("text", { x: x + 14, y: y + 38 }, bits(site.down_bits_per_second) + up + " · " + span(site.latency_seconds)));
  if (site.has_hosted_cache) {
    const at = x + wide - 34;
    const cache = svg("g", { fill: color("card"), stroke: color("hosted"), "stroke-width": 1.6 });
    cache.append(svg("path", { d: "M" + at + " " + (y + 15) + "v14a10 4 0 0 0 20 0v-14" }),
      svg("ellipse", { cx: at + 10, cy: y + 15, rx: 10, ry: 4 }), svg("title", {}, "hosted cache"));
    into.append(cache);
  }
  let top = y + 50;
  for (const { group, shown } of groups) {
    const color_ = color(MODE[group.mode] || "peers");
    const held = svg("g");
    held.append(svg("title", {}, many(group.count, "host") + ": " + (MODE_SAYS[group.mode] || group.mode) + ", version " + group.version));
    held.append(svg("text", { x: x + 14, y: top + 11 }, whole(group.count) + " " + group.name + (group.count > shown ? " (" + shown + " drawn)" : "") + " · v" + group.version));
    for (let k = 0; k < shown; k++) {
      held.append(svg("rect", { x: x + 14 + 14 * (k % perRow), y: top + 17 + 14 * Math.floor(k / perRow), width: 10, height: 10, rx: 2.5, fill: color_ }));
    }
    into.append(held);
    top += 20 + 14 * Math.ceil(shown / perRow);
  }
}
function networkSays() {
  const hosts = DATA.hosts, branches = DATA.branches_in_all;
  return many(hosts, "host") + " in " + many(branches, "branch") + " around one data centre.";
}
