//! A figure: axes, curves, and a legend, as SVG.
//! Invariant: nothing is drawn outside of the axes; every number has two digits behind the point at most.
//! Unit: points; 480 are a wide column.

use std::fmt::Write;

use super::axis::{decades, moment, moments, round, scaled, span};
use crate::report::escaped;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 270.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 42.0;
const INK: &str = "#16191d";
const SOFT: &str = "#5b6470";
const GRID: &str = "#e6e9ed";
const MARK: &str = "#b3352b";
const FONT: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// What an axis measures, and its labels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    is_log: bool,
    labels: Vec<(f64, String)>,
}

impl Scale {
    /// Time since the beginning.
    pub(super) fn time(end: f64) -> Self {
        let end = end.max(1e-3);
        let (values, step) = moments(end, 6.0);
        let labels = values.into_iter().map(|it| (it, moment(it, step)));
        Self::linear(0.0, end, labels.collect())
    }

    /// Bits a second, from 0.
    pub(super) fn bits(most: f64) -> Self {
        let units = [
            (1e12, "Tbit/s"),
            (1e9, "Gbit/s"),
            (1e6, "Mbit/s"),
            (1e3, "kbit/s"),
            (1.0, "bit/s"),
        ];
        Self::amounts(most, &units)
    }

    /// Bytes, from 0.
    pub(super) fn bytes(most: f64) -> Self {
        let units = [
            (1e15, "PB"),
            (1e12, "TB"),
            (1e9, "GB"),
            (1e6, "MB"),
            (1e3, "kB"),
            (1.0, "B"),
        ];
        Self::amounts(most, &units)
    }

    /// From 0 to 100.
    pub(super) fn percent() -> Self {
        let labels = [0.0, 25.0, 50.0, 75.0, 100.0].map(|it| (it, format!("{it} %")));
        Self::linear(0.0, 100.0, labels.into())
    }

    /// How long something takes: logarithmic where that differs by far.
    pub(super) fn durations(least: f64, most: f64) -> Self {
        if least <= 0.0 || most < least * 30.0 {
            let to = if most > 0.0 { most * 1.06 } else { 1.0 };
            let (values, _) = round(0.0, to, 6.0);
            let labels = values.into_iter().map(|it| match it {
                0.0 => (it, "0".to_owned()),
                _ => (it, span(it)),
            });
            return Self::linear(0.0, to, labels.collect());
        }
        let (from, to) = (least / 1.5, most * 1.15);
        let labels = decades(from, to).into_iter().map(|it| (it, span(it)));
        Self {
            from,
            to,
            is_log: true,
            labels: labels.collect(),
        }
    }

    fn amounts(most: f64, units: &[(f64, &str)]) -> Self {
        let most = if most > 0.0 { most * 1.04 } else { 1.0 };
        let (values, step) = round(0.0, most, 5.0);
        let to = values.last().map_or(most, |last| last.max(most));
        // All of them in the unit of the greatest.
        let unit = units.iter().find(|(size, _)| to >= *size);
        let unit: Vec<(f64, &str)> = unit.copied().into_iter().collect();
        let labels = values.into_iter().map(|it| (it, scaled(it, &unit)));
        debug_assert!(step > 0.0);
        Self::linear(0.0, to, labels.collect())
    }

    const fn linear(from: f64, to: f64, labels: Vec<(f64, String)>) -> Self {
        Self {
            from,
            to,
            is_log: false,
            labels,
        }
    }

    /// Where a value is, from 0 to 1.
    fn part(&self, value: f64) -> f64 {
        let part = match self.is_log {
            true => (value.max(self.from) / self.from).ln() / (self.to / self.from).ln(),
            false => (value - self.from) / (self.to - self.from),
        };
        part.clamp(0.0, 1.0)
    }
}

/// A figure that is being drawn.
#[derive(Debug)]
pub(super) struct Figure {
    title: String,
    x: Scale,
    y: Scale,
    bands: String,
    shapes: String,
    legend: Vec<(&'static str, f64, String)>,
}

impl Figure {
    pub(super) fn new(title: &str, x: Scale, y: Scale) -> Self {
        Self {
            title: escaped(title),
            x,
            y,
            bands: String::new(),
            shapes: String::new(),
            legend: Vec::new(),
        }
    }

    fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.part(value) * (WIDTH - LEFT - RIGHT)
    }

    fn at_y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.part(value) * (HEIGHT - TOP - BOTTOM)
    }

    /// Something that befell the network.
    pub(super) fn band(&mut self, from: f64, until: Option<f64>, label: &str) {
        let (x1, x2) = (self.at_x(from), self.at_x(until.unwrap_or(from)));
        let (tall, wide) = (HEIGHT - TOP - BOTTOM, (x2 - x1).max(1.0));
        let label = escaped(label);
        // Towards the side on which there is room.
        let (x, anchor) = match x1 > WIDTH * 0.7 {
            true => (x1 - 3.0, "end"),
            false => (x1 + 3.0, "start"),
        };
        let _ = writeln!(
            self.bands,
            r#"<rect x="{x1:.2}" y="{TOP}" width="{wide:.2}" height="{tall}" fill="{MARK}" fill-opacity="0.12"><title>{label}</title></rect>
<text x="{x:.2}" y="{:.2}" text-anchor="{anchor}" fill="{MARK}" font-size="8">{label}</text>"#,
            TOP + 9.0,
        );
    }

    /// Values that hold for a bin each, over what is below them.
    pub(super) fn steps(
        &mut self,
        values: &[f64],
        below: &[f64],
        bin: f64,
        color: &'static str,
        opacity: f64,
        label: &str,
    ) {
        let (mut edge, mut back) = (String::new(), Vec::new());
        let mut before = None;
        for (place, value) in values.iter().enumerate() {
            let (x1, x2) = (
                self.at_x(place as f64 * bin),
                self.at_x((place + 1) as f64 * bin),
            );
            let (y, base) = (
                self.at_y(*value),
                self.at_y(below.get(place).copied().unwrap_or_default()),
            );
            // What goes on as it was needs no point of its own.
            if before != Some((y, base)) {
                let letter = if before.is_none() { 'M' } else { 'H' };
                let _ = match letter {
                    'M' => write!(edge, "M{x1:.2} {y:.2}"),
                    _ => write!(edge, "H{x1:.2}V{y:.2}"),
                };
                back.push((x1, x2, base));
            } else if let Some(last) = back.last_mut() {
                last.1 = x2;
            }
            before = Some((y, base));
        }
        if let Some((_, x2, _)) = back.last() {
            let _ = write!(edge, "H{x2:.2}");
        }
        let mut area = edge.clone();
        for (x1, x2, base) in back.into_iter().rev() {
            let _ = write!(area, "L{x2:.2} {base:.2}H{x1:.2}");
        }
        let _ = writeln!(
            self.shapes,
            r#"<path d="{area}Z" fill="{color}" fill-opacity="{opacity}"/>"#
        );
        if below.is_empty() {
            let _ = writeln!(
                self.shapes,
                r#"<path d="{edge}" fill="none" stroke="{color}" stroke-width="1"/>"#
            );
        }
        self.legend.push((color, opacity, escaped(label)));
    }

    /// A curve that climbs in steps.
    pub(super) fn climb(&mut self, points: &[(f64, f64)], color: &'static str, label: &str) {
        let mut path = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            let (x, y) = (self.at_x(*x), self.at_y(*y));
            let _ = match place {
                0 => write!(path, "M{x:.2} {:.2}V{y:.2}", self.at_y(0.0)),
                _ => write!(path, "H{x:.2}V{y:.2}"),
            };
        }
        let _ = writeln!(
            self.shapes,
            r#"<path d="{path}H{:.2}" fill="none" stroke="{color}" stroke-width="1.5" stroke-linejoin="round"/>"#,
            WIDTH - RIGHT,
        );
        self.legend.push((color, 1.0, escaped(label)));
    }

    pub(super) fn finish(self, x_label: &str, y_label: &str) -> String {
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}pt" height="{HEIGHT}pt" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}" font-size="9.5" fill="{SOFT}">
<title>{0}</title>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="15" fill="{INK}" font-size="11" font-weight="bold">{0}</text>
"##,
            self.title
        );
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (value, label) in &self.y.labels {
            let y = self.at_y(*value);
            let _ = writeln!(
                svg,
                r#"<path d="M{LEFT} {y:.2}H{right}" stroke="{GRID}" stroke-width="0.8"/><text x="{:.2}" y="{:.2}" text-anchor="end">{label}</text>"#,
                LEFT - 6.0,
                y + 3.2,
            );
        }
        svg.push_str(&self.bands);
        svg.push_str(&self.shapes);
        let _ = writeln!(
            svg,
            r#"<path d="M{LEFT} {bottom}H{right}" stroke="{SOFT}" stroke-width="0.8"/>"#
        );
        for (value, label) in &self.x.labels {
            let x = self.at_x(*value);
            let anchor = if x > right - 12.0 { "end" } else { "middle" };
            let _ = writeln!(
                svg,
                r#"<path d="M{x:.2} {bottom}v3.5" stroke="{SOFT}" stroke-width="0.8"/><text x="{x:.2}" y="{:.2}" text-anchor="{anchor}">{label}</text>"#,
                bottom + 14.0,
            );
        }
        let middle = f64::midpoint(LEFT, right);
        let centre = f64::midpoint(TOP, bottom);
        let _ = writeln!(
            svg,
            r#"<text x="{middle}" y="{}" text-anchor="middle" fill="{INK}">{x_label}</text>
<text transform="translate(11 {centre}) rotate(-90)" text-anchor="middle" fill="{INK}">{y_label}</text>"#,
            HEIGHT - 8.0,
        );
        let mut x = LEFT;
        for (color, opacity, label) in &self.legend {
            let _ = writeln!(
                svg,
                r#"<rect x="{x:.2}" y="24" width="8" height="8" rx="1.5" fill="{color}" fill-opacity="{opacity}"/><text x="{:.2}" y="31.5">{label}</text>"#,
                x + 12.0,
            );
            x += 28.0 + 4.9 * label.chars().count() as f64;
        }
        svg.push_str("</svg>\n");
        svg
    }
}
