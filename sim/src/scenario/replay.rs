//! Requests that somebody recorded: `time,host,url,bytes`, one a line.
//! Invariant: a trace is read once, with the scenario, and is part of it from then on; an error names its line.
//! Byte order: none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{Quantity, Span};

/// The first line of a trace.
pub const HEAD: &str = "time,host,url,bytes";
/// Requests that a trace may have.
const ROWS_LIMIT: usize = 1_000_000;

/// A trace to be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Replay {
    /// A file, beside that of the scenario: `time,host,url,bytes` and a request on each line, times in seconds or with a
    /// unit. Hosts of the trace are hosts of the scenario in the order in which they come.
    pub file: Option<String>,
    /// The same without a file.
    pub csv: Option<String>,
    /// How many times it is replayed.
    pub times: u32,
    /// The time from one beginning of it to the next; without it, the next begins when the last request was made.
    pub every: Option<Span>,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            file: None,
            csv: None,
            times: 1,
            every: None,
        }
    }
}

/// A request of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Span,
    /// Who.
    pub host: String,
    /// What.
    pub url: String,
    /// How long it is.
    pub bytes: u64,
}

impl Replay {
    /// Its requests.
    ///
    /// # Errors
    /// The line, from 1, and what is wrong there.
    pub fn rows(&self) -> Result<Vec<Row>, (usize, String)> {
        let text = self.csv.as_deref().unwrap_or_default();
        let mut lines = (1..).zip(text.lines());
        let is_row = |line: &&str| !line.trim().is_empty();
        match lines.next() {
            Some((_, head)) if head.trim() == HEAD => {}
            other => {
                let found = other.map_or("", |(_, head)| head);
                return Err((
                    1,
                    format!("'{found}' is no head of a trace; expected '{HEAD}'"),
                ));
            }
        }
        let mut rows = Vec::new();
        for (number, line) in lines.filter(|(_, line)| is_row(line)) {
            if rows.len() == ROWS_LIMIT {
                return Err((number, format!("more than {ROWS_LIMIT} requests")));
            }
            rows.push(row(line).map_err(|why| (number, why))?);
        }
        if rows.is_empty() {
            return Err((2, "no request is in the trace".to_owned()));
        }
        Ok(rows)
    }

    /// How long after one beginning the next one is.
    #[must_use]
    pub fn period(&self, rows: &[Row]) -> Span {
        let last = rows.iter().map(|row| row.at).max().unwrap_or_default();
        self.every.unwrap_or(last)
    }
}

fn row(line: &str) -> Result<Row, String> {
    // A url may have commas, nothing else can.
    let wrong = || {
        format!("'{line}' is no request; expected {HEAD}, such as 12.5,pc-1,/update.cab,1000000")
    };
    let (at, rest) = line.split_once(',').ok_or_else(wrong)?;
    let (host, rest) = rest.split_once(',').ok_or_else(wrong)?;
    let (url, bytes) = rest.rsplit_once(',').ok_or_else(wrong)?;
    let (at, host, url, bytes) = (at.trim(), host.trim(), url.trim(), bytes.trim());
    if host.is_empty() || url.is_empty() {
        return Err(wrong());
    }
    let is_plain = at.ends_with(|last: char| last.is_ascii_digit());
    let span = match is_plain {
        true => Span::parse(&format!("{at} s")),
        false => Span::parse(at),
    };
    let bytes: u64 = bytes
        .parse()
        .map_err(|_| format!("'{bytes}' is no number of bytes; expected a whole number"))?;
    if bytes == 0 {
        return Err("nothing can be fetched of 0 bytes".to_owned());
    }
    Ok(Row {
        at: span?,
        host: host.to_owned(),
        url: url.to_owned(),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(csv: &str) -> Result<Vec<Row>, (usize, String)> {
        let replay = Replay {
            csv: Some(csv.to_owned()),
            ..Replay::default()
        };
        replay.rows()
    }

    #[test]
    fn requests_are_read_with_seconds_or_units_and_commas_in_urls() {
        let rows =
            rows("time,host,url,bytes\n0,a,/x?1,2,500\n\n1.5,b,/y,7\n2 min,a,/y,7\n").unwrap();
        let of = |row: &Row| (row.at, row.host.clone(), row.url.clone(), row.bytes);
        assert_eq!(of(&rows[0]), (Span(0), "a".into(), "/x?1,2".into(), 500));
        assert_eq!(rows[1].at, Span::millis(1_500));
        assert_eq!(rows[2].at, Span::seconds(120));
    }

    #[test]
    fn an_error_names_its_line_and_what_was_expected() {
        for (text, line, word) in [
            ("", 1, "no head"),
            ("time,host\n", 1, "no head"),
            ("time,host,url,bytes\n", 2, "no request"),
            ("time,host,url,bytes\n0,a,/x,1\n1,a\n", 3, "expected time"),
            ("time,host,url,bytes\n0,a,/x,few\n", 2, "no number of bytes"),
            ("time,host,url,bytes\n0,a,/x,0\n", 2, "0 bytes"),
            ("time,host,url,bytes\n1 week,a,/x,1\n", 2, "no unit"),
        ] {
            let (found, why) = rows(text).unwrap_err();
            assert_eq!(found, line, "{why}");
            assert!(why.contains(word), "{why}");
        }
    }
}
