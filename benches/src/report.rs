//! A measured row, and rows as a table for people or as JSON for machines.
//! Invariant: every row that was asked for is there, whatever became of it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::gates::{Bounds, Figure, Status};

/// What the speeds of a row are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// 10^9 bytes a second.
    #[serde(rename = "GB/s")]
    GigabytesASecond,
    /// Messages a second, one by one: millions are only written so for people.
    #[serde(rename = "msg/s")]
    MessagesASecond,
    /// Events of a simulation, in the same way.
    #[serde(rename = "events/s")]
    EventsASecond,
}

impl Unit {
    /// A speed of bytes or messages a second in this unit.
    #[must_use]
    pub fn of(self, a_second: f64) -> f64 {
        match self {
            Self::GigabytesASecond => rounded(a_second / 1e9),
            Self::MessagesASecond | Self::EventsASecond => a_second.round(),
        }
    }
}

/// Three places: more would be noise.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Our speed.
    pub ours: Option<f64>,
    /// The rival's speed.
    pub rival: Option<f64>,
    /// Who the rival is.
    pub rival_name: String,
    /// Median of the ratios of the pairs, above 1 when we are faster.
    pub ratio: Option<f64>,
    /// The least figure that passes on this machine.
    pub floor: Option<f64>,
    /// The figure to reach on this machine.
    pub target: Option<f64>,
    /// Which figure floor and target bound: the ratio, or our speed in its unit.
    pub bounds_of: Figure,
    /// What the speeds are measured in.
    pub unit: Unit,
    /// The floor of PERFORMANCE.md.
    pub published_floor: Option<f64>,
    /// The target of PERFORMANCE.md.
    pub published_target: Option<f64>,
    /// The verdict.
    pub status: Status,
    /// Spread in percent: of the ratios, or of our speed where that is bounded or there is no rival.
    pub noise: Option<f64>,
    /// Pairs that nothing disturbed.
    pub pairs_used: usize,
    /// Pairs measured.
    pub pairs_taken: usize,
    /// The ratio of each round of each attempt.
    pub attempts: Vec<Vec<f64>>,
    /// Which of our kernels ran.
    pub kernel: String,
    /// What else a reader must know.
    pub note: Option<String>,
}

impl Row {
    /// The bounds that apply on this machine.
    #[must_use]
    pub fn bounds(&self) -> Option<Bounds> {
        Some(Bounds {
            of: self.bounds_of,
            floor: self.floor?,
            target: self.target?,
        })
    }

    /// Appends to the note.
    pub fn add_note(&mut self, more: &str) {
        self.note = Some(match self.note.take() {
            Some(note) => format!("{note}; {more}"),
            None => more.to_owned(),
        });
    }
}

/// The rows as a JSON list.
///
/// # Errors
/// When the serialiser fails.
pub fn json(rows: &[Row]) -> serde_json::Result<String> {
    serde_json::to_string_pretty(rows)
}

/// The rows as a table for a terminal: a heading of what ran where, a line for each row, notes below.
#[must_use]
pub fn table(heading: &[String], rows: &[Row]) -> String {
    let mut text = String::new();
    for line in heading {
        let _ = writeln!(text, "{line}");
    }
    let widest = |of: fn(&Row) -> &str, title: &str| {
        rows.iter()
            .map(|row| of(row).chars().count())
            .max()
            .unwrap_or(0)
            .max(title.len())
    };
    let name_width = widest(|row| row.name, "row");
    let rival_width = widest(|row| &row.rival_name, "against");
    let _ = writeln!(
        text,
        "\n{:<name_width$}  {:>7}  {:>7}  {:<rival_width$}  {:>6}  {:>6}  {:>6}  {:>6}  verdict",
        "row", "ours", "rival", "against", "ratio", "floor", "target", "noise"
    );
    for row in rows {
        let noise = row
            .noise
            .map_or_else(|| "-".to_owned(), |noise| format!("{noise:.1}%"));
        let _ = writeln!(
            text,
            "{:<name_width$}  {:>7}  {:>7}  {:<rival_width$}  {:>6}  {:>6}  {:>6}  {noise:>6}  {}",
            row.name,
            number(row.ours),
            number(row.rival),
            row.rival_name,
            number(row.ratio),
            number(row.floor),
            number(row.target),
            row.status.name(),
        );
    }
    let notes: Vec<&Row> = rows.iter().filter(|row| row.note.is_some()).collect();
    if !notes.is_empty() {
        text.push('\n');
    }
    for row in notes {
        let _ = writeln!(
            text,
            "{}: {}",
            row.name,
            row.note.as_deref().unwrap_or_default()
        );
    }
    text
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 1e4 => format!("{:.2}M", value / 1e6),
        Some(value) => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, status: Status) -> Row {
        Row {
            name,
            ours: Some(3.9),
            rival: None,
            rival_name: "OpenSSL EVP".to_owned(),
            ratio: None,
            floor: Some(1.9),
            target: Some(2.3),
            bounds_of: Figure::Ratio,
            unit: Unit::GigabytesASecond,
            published_floor: Some(1.9),
            published_target: Some(2.3),
            status,
            noise: Some(0.44),
            pairs_used: 9,
            pairs_taken: 9,
            attempts: vec![],
            kernel: "shani".to_owned(),
            note: Some("not installed: x".to_owned()),
        }
    }

    #[test]
    fn a_row_without_a_rival_is_in_the_table_and_says_why() {
        let text = table(
            &["heading".to_owned()],
            &[row("v1-sha256", Status::NoRival)],
        );
        let line = text
            .lines()
            .find(|line| line.starts_with("v1-sha256 "))
            .unwrap();
        assert!(
            line.contains("3.90") && line.ends_with("no-rival"),
            "{line}"
        );
        assert!(text.contains("v1-sha256: not installed: x"), "{text}");
    }

    #[test]
    fn json_has_the_agreed_keys_with_null_for_what_is_not_known() {
        let text = json(&[row("v1-sha256", Status::Inconclusive)]).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let keys = [
            "name",
            "ours",
            "rival",
            "rival_name",
            "ratio",
            "floor",
            "target",
            "unit",
        ];
        let row = parsed[0].as_object().unwrap();
        assert!(keys.iter().all(|key| row.contains_key(*key)), "{text}");
        assert!(row["rival"].is_null() && row["ratio"].is_null());
        assert_eq!(row["status"], "inconclusive (noise)");
        assert_eq!(
            (&row["unit"], &row["bounds_of"]),
            (&"GB/s".into(), &"ratio".into())
        );
    }

    #[test]
    fn millions_of_messages_are_written_short_in_the_table_and_in_full_in_json() {
        let row = Row {
            ours: Some(5_861_234.0),
            floor: Some(2e6),
            bounds_of: Figure::Ours,
            unit: Unit::MessagesASecond,
            ..row("retrieval-machine", Status::TargetMet)
        };
        let text = table(&[], std::slice::from_ref(&row));
        assert!(text.contains("5.86M") && text.contains("2.00M"), "{text}");
        let parsed: serde_json::Value = serde_json::from_str(&json(&[row]).unwrap()).unwrap();
        assert_eq!(parsed[0]["ours"], 5_861_234.0);
        assert_eq!(
            (&parsed[0]["floor"], &parsed[0]["unit"]),
            (&2e6.into(), &"msg/s".into())
        );
    }

    #[test]
    fn the_name_of_a_status_is_the_same_in_the_table_and_in_json() {
        for status in [
            Status::TargetMet,
            Status::FloorMet,
            Status::BelowFloor,
            Status::Inconclusive,
            Status::NoFloor,
            Status::NoRival,
            Status::NotMeasured,
            Status::OursFailed,
        ] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
        }
    }
}
