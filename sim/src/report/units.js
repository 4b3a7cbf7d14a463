// Numbers for people, and elements made of text alone.
const $ = id => document.getElementById(id);
const NARROW = "\u202f";
function scaled(value, steps) {
  const size = Math.abs(value);
  const [unit, name] = steps.find(([unit]) => size >= unit * .9995) || steps[steps.length - 1];
  const n = value / unit, a = Math.abs(n);
  const digits = a >= 99.95 || n === 0 || (unit === 1 && Number.isInteger(value)) ? 0 : a >= 9.995 ? 1 : 2;
  return n.toFixed(digits) + NARROW + name;
}
const BYTES = [[1e15, "PB"], [1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]];
const BITS = [[1e12, "Tbit/s"], [1e9, "Gbit/s"], [1e6, "Mbit/s"], [1e3, "kbit/s"], [1, "bit/s"]];
const bytes = n => scaled(n, BYTES);
const bits = n => scaled(n, BITS);
const whole = n => Math.round(n).toLocaleString("en").replace(/,/g, NARROW);
function percent(n) {
  if (n > 99.9 && n < 100) return n.toFixed(2) + NARROW + "%";
  return n.toFixed(Math.abs(n) < 9.95 || n % 1 !== 0 ? 1 : 0) + NARROW + "%";
}
function span(s) {
  if (s < 1e-3) return s === 0 ? "0" + NARROW + "s" : (s * 1e6).toFixed(0) + NARROW + "µs";
  if (s < 1) return (s * 1e3).toFixed(s < .01 ? 1 : 0) + NARROW + "ms";
  if (s < 90) return s.toFixed(s < 10 ? 2 : 1) + NARROW + "s";
  if (s < 5400) return (s / 60).toFixed(1) + NARROW + "min";
  if (s < 129600) return (s / 3600).toFixed(1) + NARROW + "h";
  return (s / 86400).toFixed(1) + NARROW + "d";
}
// A moment, as exactly as a step of so many seconds needs it.
function moment(s, step) {
  const sign = s < 0 ? "−" : "";
  s = Math.abs(s);
  const two = n => String(n).padStart(2, "0");
  if (step < 1) {
    const digits = Math.min(6, Math.max(1, Math.ceil(-Math.log10(step) - 1e-9)));
    if (s < 60) return sign + s.toFixed(digits) + NARROW + "s";
    return sign + Math.floor(s / 60) + ":" + (s % 60).toFixed(digits).padStart(3 + digits, "0");
  }
  const t = Math.round(s), d = Math.floor(t / 86400), h = Math.floor(t / 3600) % 24, m = Math.floor(t / 60) % 60;
  if (t < 60) return sign + t + NARROW + "s";
  if (step >= 86400) return sign + d + NARROW + "d";
  if (d) return sign + d + NARROW + "d " + two(h) + ":" + two(m) + (step < 60 ? ":" + two(t % 60) : "");
  if (h) return sign + h + ":" + two(m) + (step < 60 ? ":" + two(t % 60) : "") + NARROW + "h";
  return sign + m + (step < 60 ? ":" + two(t % 60) : "") + NARROW + "min";
}
const many = (n, word) => whole(n) + " " + word + (n === 1 ? "" : word.endsWith("ch") ? "es" : "s");
function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}
function svg(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}
const color = name => "var(--" + name + ")";
function legend(id, entries) {
  $(id).replaceChildren(...entries.map(([name, kind, label, value]) => {
    const line = element("span"), key = element("i", kind);
    key.style.color = color(name);
    line.append(key, document.createTextNode(label));
    if (value !== undefined) line.append(element("b", "", value));
    return line;
  }));
}
// Round values for an axis, about as many as are asked for.
function ticks(from, to, count) {
  const raw = (to - from) / Math.max(1, count), power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 2.5, 5, 10].map(n => n * power).find(n => n >= raw * .999) || raw;
  return spread(from, to, step);
}
const TIMES = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000];
function timeTicks(from, to, count) {
  const raw = (to - from) / Math.max(1, count);
  const step = raw < 1 ? 0 : TIMES.find(n => n >= raw * .999);
  return step ? spread(from, to, step) : ticks(from, to, count);
}
function spread(from, to, step) {
  const all = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + step * 1e-9 && all.length < 200; k++) all.push(k * step || 0);
  all.step = step;
  return all;
}
