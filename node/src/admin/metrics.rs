//! Numbers in the text format that Prometheus reads (exposition format 0.0.4).
//! Invariant: each name appears once with its HELP and TYPE, and all of its samples behind them.
//! Byte order: none.

use std::fmt::Write;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a number only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows while the process lives.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A name with what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// In Prometheus' spelling.
    pub name: &'static str,
    /// What it counts, in a line.
    pub help: &'static str,
    /// Whether it only grows.
    pub kind: Kind,
    /// The counter of Windows that it is, as `Set\Counter`; empty where Windows has none.
    pub windows: &'static str,
}

/// One number, with the labels that tell it from others of its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// All numbers of one moment.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    families: Vec<(Metric, Vec<Sample>)>,
}

impl Metrics {
    /// Adds a number.
    pub fn set(&mut self, metric: &Metric, value: u64) {
        self.set_labelled(metric, Vec::new(), value);
    }

    /// Adds a number with labels.
    pub fn set_labelled(
        &mut self,
        metric: &Metric,
        labels: Vec<(&'static str, String)>,
        value: u64,
    ) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "Prometheus has no other numbers"
        )]
        self.set_float(metric, labels, value as f64);
    }

    /// Adds a number that need not be whole. The same name and labels again add up, as of two servers of one kind.
    pub fn set_float(&mut self, metric: &Metric, labels: Vec<(&'static str, String)>, value: f64) {
        let same = |(known, _): &(Metric, _)| known.name == metric.name;
        let at = match self.families.iter().position(same) {
            Some(at) => at,
            None => {
                self.families.push((*metric, Vec::new()));
                self.families.len() - 1
            }
        };
        let Some((_, samples)) = self.families.get_mut(at) else {
            return;
        };
        match samples.iter_mut().find(|sample| sample.labels == labels) {
            Some(sample) => sample.value += value,
            None => samples.push(Sample { labels, value }),
        }
    }

    /// All of them, in the order in which they were added.
    pub fn all(&self) -> impl Iterator<Item = (&Metric, &[Sample])> {
        self.families
            .iter()
            .map(|(metric, samples)| (metric, samples.as_slice()))
    }

    /// The text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (metric, samples) in self.all() {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
            };
            let windows = match metric.windows {
                "" => String::new(),
                name => format!(" (Windows: {name})"),
            };
            let help = escaped(&format!("{}{windows}", metric.help), false);
            let name = metric.name;
            // Writing to a string does not fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for sample in samples {
                let labels: Vec<String> = sample
                    .labels
                    .iter()
                    .map(|(label, value)| format!("{label}=\"{}\"", escaped(value, true)))
                    .collect();
                let labels = match labels.as_slice() {
                    [] => String::new(),
                    _ => format!("{{{}}}", labels.join(",")),
                };
                let _ = writeln!(text, "{name}{labels} {}", sample.value);
            }
        }
        text
    }
}

fn escaped(text: &str, is_value: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' => escaped.push_str(r"\\"),
            '\n' => escaped.push_str(r"\n"),
            '"' if is_value => escaped.push_str("\\\""),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Metric = Metric {
        name: "peerdist_one_total",
        help: "Ones,\nall \\ of them",
        kind: Kind::Counter,
        windows: "BranchCache\\One",
    };

    #[test]
    fn the_text_has_help_type_and_escapes() {
        let mut metrics = Metrics::default();
        metrics.set_labelled(&ONE, vec![("why", "a \"b\"\n\\c".to_owned())], 7);
        metrics.set(&ONE, 1);
        metrics.set(&ONE, 2);
        assert_eq!(
            metrics.text(),
            "# HELP peerdist_one_total Ones,\\nall \\\\ of them (Windows: BranchCache\\\\One)\n\
             # TYPE peerdist_one_total counter\n\
             peerdist_one_total{why=\"a \\\"b\\\"\\n\\\\c\"} 7\n\
             peerdist_one_total 3\n"
        );
    }

    #[test]
    fn large_numbers_are_written_in_full() {
        let mut metrics = Metrics::default();
        metrics.set(&ONE, 1 << 50);
        assert!(metrics.text().ends_with(" 1125899906842624\n"));
    }
}
