// Charts over an axis of time or of anything else: drawn again for every size, looked into with mouse, finger or keys.
const tip = $("tip");
function showTip(x, y, title, rows) {
  const lines = rows.map(([name, label, value]) => {
    const line = element("div"), key = element("i");
    key.style.background = name ? color(name) : "none";
    line.append(key, element("span", "", label), element("span", "", value));
    return line;
  });
  tip.replaceChildren(element("b", "", title), ...lines);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 16 + box.width > innerWidth - 8 ? x - 16 - box.width : x + 16;
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = Math.max(8, Math.min(innerHeight - box.height - 8, y - box.height / 2)) + "px";
}
const hideTip = () => { tip.hidden = true; };

// Views that show the same stretch of time.
const linked = { all: [], from: 0, to: 1, whole: [0, 1] };
function setView(from, to) {
  const [first, last] = linked.whole, least = Math.max((last - first) / 5000, linked.least || 0);
  let width = Math.min(last - first, Math.max(least, to - from));
  from = Math.max(first, Math.min(last - width, from));
  linked.from = from;
  linked.to = from + width;
  linked.all.forEach(chart => chart.draw());
}

// On paper everything has the size of the sheet, whatever the window is.
const paper = { is: false, wide: 660, half: 310, all: [] };
for (const [kind, is] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(kind, () => {
    paper.is = is;
    paper.all.forEach(draw => draw());
  });
}

class Chart {
  // spec: label, height, x: {from, to, ticks, format, log}, y: (from, to) => {most, ticks, format, unit}, layers, tip, isTime
  constructor(place, spec) {
    this.place = place;
    this.spec = spec;
    this.width = 0;
    this.root = svg("svg", { role: "img", tabindex: 0, "aria-label": spec.label });
    place.replaceChildren(this.root);
    if (spec.isTime) linked.all.push(this);
    paper.all.push(() => this.draw());
    this.listen();
    new ResizeObserver(() => {
      const width = Math.round(place.clientWidth);
      if (!paper.is && width && width !== this.width) this.draw();
    }).observe(place);
    this.draw();
  }
  get range() { return this.spec.isTime ? [linked.from, linked.to] : [this.spec.x.from, this.spec.x.to]; }
  draw() {
    const spec = this.spec, sheet = this.place.closest(".two") ? paper.half : paper.wide;
    const width = this.width = paper.is ? sheet : Math.round(this.place.clientWidth) || 900;
    const height = (spec.height || 260) * (paper.is ? .72 : 1), left = 66, right = 14, top = 14, bottom = 34;
    const [from, to] = this.range;
    this.box = { left, right: width - right, top, bottom: height - bottom };
    const inner = width - left - right, tall = height - top - bottom;
    const warp = spec.x.log ? v => Math.log(Math.max(v, 1e-12)) : v => v, a = warp(from), b = warp(to);
    this.x = v => left + inner * (warp(v) - a) / (b - a || 1);
    this.back = px => {
      const at = a + (b - a) * Math.max(0, Math.min(1, (px - left) / inner));
      return spec.x.log ? Math.exp(at) : at;
    };
    const y = spec.y(from, to), most = y.most || 1;
    this.y = v => top + tall * (1 - v / most);
    const root = this.root;
    root.setAttribute("viewBox", "0 0 " + width + " " + height);
    root.replaceChildren(svg("title", {}, spec.label));
    for (const value of y.ticks) {
      const at = Math.round(this.y(value)) + .5;
      root.append(svg("line", { class: value === 0 ? "axis" : "grid", x1: left, x2: width - right, y1: at, y2: at }));
      root.append(svg("text", { x: left - 8, y: at + 3.5, "text-anchor": "end" }, y.format(value)));
    }
    const marks = spec.x.ticks(from, to, Math.max(2, Math.floor(inner / 92)));
    for (const value of marks) {
      const at = Math.round(this.x(value)) + .5;
      root.append(svg("line", { class: "axis", x1: at, x2: at, y1: height - bottom, y2: height - bottom + 4 }));
      const anchor = at > width - right - 18 ? "end" : at < left + 12 ? "start" : "middle";
      root.append(svg("text", { x: at, y: height - bottom + 17, "text-anchor": anchor }, spec.x.format(value, marks.step)));
    }
    const clip = "clip-" + this.place.id;
    const defs = svg("defs"), path = svg("clipPath", { id: clip });
    path.append(svg("rect", { x: left, y: top - 6, width: inner, height: tall + 6 }));
    defs.append(path);
    const inside = svg("g", { "clip-path": "url(#" + clip + ")" });
    root.append(defs, inside);
    if (spec.isTime) this.drawMarks(inside);
    spec.layers(this, inside, from, to);
    this.brush = svg("rect", { class: "brush", y: top, height: tall, visibility: "hidden" });
    this.cursor = svg("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" });
    inside.append(this.brush, this.cursor);
    if (this.at !== undefined) this.point(this.at, false);
  }
  drawMarks(inside) {
    const { top, bottom } = this.box;
    let row = 0;
    for (const mark of DATA.marks) {
      const x1 = this.x(mark.at_seconds), x2 = mark.until_seconds === null ? x1 : this.x(mark.until_seconds);
      const group = svg("g");
      group.append(svg("title", {}, mark.label));
      if (x2 > x1) group.append(svg("rect", { class: "band", x: x1, y: top, width: Math.max(1, x2 - x1), height: bottom - top }));
      group.append(svg("line", { class: "band-edge", x1: x1, x2: x1, y1: top, y2: bottom }));
      if (this.spec.names && row < 6) {
        const isLate = x1 > this.box.left + (this.box.right - this.box.left) * .7;
        group.append(svg("text", { class: "band-label", x: isLate ? x1 - 4 : x1 + 4, y: top + 10 + 13 * row, "text-anchor": isLate ? "end" : "start" }, mark.label));
      }
      inside.append(group);
      row++;
    }
  }
  // A path of steps: each value holds for a bin.
  steps(values, bin, from, to, base) {
    const first = Math.max(0, Math.floor(from / bin)), last = Math.min(values.length, Math.ceil(to / bin));
    let top = "", under = "";
    for (let k = first; k < last; k++) {
      const x1 = this.x(k * bin).toFixed(1), x2 = this.x((k + 1) * bin).toFixed(1), y = this.y(values[k]).toFixed(1);
      top += (k === first ? "M" : "L") + x1 + " " + y + "H" + x2;
      if (base) under = "L" + x2 + " " + this.y(base[k]).toFixed(1) + "H" + x1 + under;
    }
    if (!top) return { edge: "", area: "" };
    const zero = this.y(0).toFixed(1);
    const area = base ? top + under + "Z" : top + "V" + zero + "H" + this.x(first * bin).toFixed(1) + "Z";
    return { edge: top, area };
  }
  point(value, tells, clientX, clientY) {
    const told = this.spec.tip(value);
    if (!told) return;
    this.at = value;
    const at = this.x(told.x);
    this.cursor.setAttribute("x1", at);
    this.cursor.setAttribute("x2", at);
    this.cursor.setAttribute("visibility", "visible");
    if (!tells) return;
    const box = this.root.getBoundingClientRect(), scale = box.width / this.width;
    showTip(clientX === undefined ? box.left + at * scale : clientX,
      clientY === undefined ? box.top + box.height * .4 : clientY, told.title, told.rows);
  }
  leave() {
    this.at = undefined;
    this.cursor.setAttribute("visibility", "hidden");
    hideTip();
  }
  listen() {
    const root = this.root, spec = this.spec;
    const px = event => {
      const box = root.getBoundingClientRect();
      return (event.clientX - box.left) * this.width / box.width;
    };
    let held;
    root.addEventListener("pointerdown", event => {
      if (spec.isTime && event.pointerType === "mouse" && event.button === 0) {
        held = px(event);
        root.setPointerCapture(event.pointerId);
      }
    });
    root.addEventListener("pointermove", event => {
      const at = px(event);
      if (held !== undefined) {
        const [low, high] = [held, at].sort((p, q) => p - q).map(v => Math.max(this.box.left, Math.min(this.box.right, v)));
        this.brush.setAttribute("x", low);
        this.brush.setAttribute("width", high - low);
        this.brush.setAttribute("visibility", "visible");
      }
      if (at >= this.box.left && at <= this.box.right) this.point(this.back(at), true, event.clientX, event.clientY);
      else this.leave();
    });
    root.addEventListener("pointerup", event => {
      if (held === undefined) return;
      const [low, high] = [held, px(event)].sort((p, q) => p - q);
      held = undefined;
      this.brush.setAttribute("visibility", "hidden");
      if (high - low > 6) setView(this.back(low), this.back(high));
    });
    root.addEventListener("pointerleave", () => { if (held === undefined) this.leave(); });
    root.addEventListener("dblclick", () => spec.isTime && setView(...linked.whole));
    root.addEventListener("blur", () => this.leave());
    root.addEventListener("keydown", event => {
      const [from, to] = this.range, warp = this.x;
      const now = this.at === undefined ? this.back((this.box.left + this.box.right) / 2) : this.at;
      const step = event.shiftKey ? 40 : 6;
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        const next = this.back(warp(now) + (event.key === "ArrowLeft" ? -step : step));
        this.point(next, true);
      } else if (spec.isTime && (event.key === "+" || event.key === "=")) {
        setView(now - (now - from) / 2, now + (to - now) / 2);
      } else if (spec.isTime && event.key === "-") {
        setView(now - (now - from) * 2, now + (to - now) * 2);
      } else if (event.key === "Escape") {
        if (spec.isTime) setView(...linked.whole);
        this.leave();
      } else return;
      event.preventDefault();
    });
  }
}
