//! From two sides to a row: measure, compare with the bounds of this machine, try again where it may help.
//! Invariant: a subject always becomes a row, whatever is missing.

use super::Context;
use crate::gates::{MAX_NOISE_PERCENT, Status, applied, best_attempt};
use crate::machine::Class;
use crate::pairs::{Failure, Side, measure, measure_alone};
use crate::report::{Row, UNIT};
use crate::rivals::NotInstalled;
use crate::stats::{summarize, summarize_alone};

/// What a row compares.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The row.
    pub name: &'static str,
    /// Which of our kernels runs.
    pub kernel: String,
    /// Our side, or why there is none.
    pub ours: Result<Side<'a>, Failure>,
    /// Who the rival is.
    pub rival_name: String,
    /// The rival's side, or why there is none.
    pub rival: Result<Side<'a>, NotInstalled>,
    /// Pairs to take.
    pub pairs: u32,
}

/// Measures a subject and gives the verdict.
pub fn judge(context: &Context, subject: Subject<'_>) -> Row {
    let mut row = blank(&subject);
    let mut ours = match subject.ours {
        Ok(ours) => ours,
        Err(reason) => return failed(row, &reason),
    };
    match subject.rival {
        Ok(mut rival) => compare(context, row, &mut ours, &mut rival, subject.pairs),
        Err(reason) => {
            row.add_note(&format!("rival {reason}"));
            alone(row, &mut ours, subject.pairs)
        }
    }
}

/// A row that this machine cannot run at all.
pub fn not_measured(subject: &Subject<'_>, reason: &str) -> Row {
    let mut row = blank(subject);
    row.status = Status::NotMeasured;
    row.add_note(reason);
    row
}

fn blank(subject: &Subject<'_>) -> Row {
    let applied = applied(subject.name, Class::of);
    Row {
        name: subject.name,
        ours: None,
        rival: None,
        rival_name: subject.rival_name.clone(),
        ratio: None,
        floor: applied.bounds.map(|bounds| bounds.floor),
        target: applied.bounds.map(|bounds| bounds.target),
        unit: UNIT,
        published_floor: applied.published.map(|bounds| bounds.floor),
        published_target: applied.published.map(|bounds| bounds.target),
        status: Status::NotMeasured,
        noise: None,
        pairs_used: 0,
        pairs_taken: 0,
        attempts: Vec::new(),
        kernel: subject.kernel.clone(),
        note: applied.note,
    }
}

fn failed(mut row: Row, reason: &str) -> Row {
    row.status = Status::OursFailed;
    row.add_note(reason);
    row
}

fn compare(
    context: &Context,
    mut row: Row,
    ours: &mut Side<'_>,
    rival: &mut Side<'_>,
    pairs: u32,
) -> Row {
    let bounds = applied(row.name, Class::of).bounds;
    let mut attempts = Vec::new();
    for _ in 0..context.settings.attempts.max(1) {
        let measured = match measure(ours, rival, pairs) {
            Ok(measured) => measured,
            Err(reason) => return failed(row, &reason),
        };
        let Some(summary) = summarize(&measured) else { break };
        let status = Status::of(&summary, bounds);
        row.attempts.push(rounded(summary.ratio));
        attempts.push((summary, status));
        if !status.worth_another_attempt() {
            break;
        }
    }
    let Some((summary, status)) = best_attempt(&attempts) else {
        return failed(row, "no pairs were asked for");
    };
    row.ours = Some(gigabytes(summary.ours));
    row.rival = Some(gigabytes(summary.rival));
    row.ratio = Some(rounded(summary.ratio));
    row.noise = Some(rounded(summary.noise_percent));
    row.pairs_used = summary.pairs_used;
    row.pairs_taken = summary.pairs_taken;
    row.status = *status;
    if *status == Status::Inconclusive {
        row.add_note(&format!(
            "noise above {MAX_NOISE_PERCENT} % decides nothing: only {} of {} pairs were quiet or the quiet ones disagree",
            summary.pairs_used, summary.pairs_taken
        ));
    }
    row
}

fn alone(mut row: Row, ours: &mut Side<'_>, samples: u32) -> Row {
    row.status = Status::NoRival;
    match measure_alone(ours, samples) {
        Ok(measured) => {
            if let Some((speed, noise)) = summarize_alone(&measured) {
                row.ours = Some(gigabytes(speed));
                row.noise = Some(rounded(noise));
            }
            row.pairs_taken = measured.len();
            row
        }
        Err(reason) => failed(row, &reason),
    }
}

fn gigabytes(bytes_a_second: f64) -> f64 {
    rounded(bytes_a_second / 1e9)
}

/// Three places: more would be noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::rows::Settings;

    fn context(attempts: u32) -> Context {
        let file_dir = PathBuf::from("unused");
        Context::new(Settings { attempts, memory_pairs: 9, file_pairs: 9, file_len: 0, file_dir })
    }

    fn side<'a>(millis: u64) -> Side<'a> {
        Side::self_timed(1_000_000, move || Ok(Duration::from_millis(millis)))
    }

    fn subject<'a>(
        ours: Result<Side<'a>, Failure>,
        rival: Result<Side<'a>, NotInstalled>,
    ) -> Subject<'a> {
        let (kernel, rival_name) = ("k".to_owned(), "r".to_owned());
        Subject { name: "a row without a gate", kernel, ours, rival_name, rival, pairs: 9 }
    }

    #[test]
    fn both_sides_become_speeds_and_a_ratio() {
        let row = judge(&context(1), subject(Ok(side(1)), Ok(side(2))));
        assert_eq!((row.ours, row.rival, row.ratio), (Some(1.0), Some(0.5), Some(2.0)));
        assert_eq!((row.status, row.noise), (Status::NoFloor, Some(0.0)));
    }

    #[test]
    fn a_missing_rival_leaves_our_speed_and_a_reason() {
        let row = judge(&context(1), subject(Ok(side(1)), Err(NotInstalled("no libcrypto".into()))));
        assert_eq!((row.ours, row.rival, row.ratio), (Some(1.0), None, None));
        assert_eq!(row.status, Status::NoRival);
        assert!(row.note.unwrap().contains("no libcrypto"));
    }

    #[test]
    fn our_failure_fails_the_row_in_its_own_words() {
        let row = judge(&context(1), subject(Err("digests differ".into()), Ok(side(1))));
        assert!(row.status.fails());
        assert!(row.note.unwrap().contains("digests differ"));
    }

    #[test]
    fn noise_is_tried_again_as_often_as_allowed() {
        let mut turn = 0_u64;
        let rival = Side::self_timed(1_000_000, move || {
            turn += 1;
            Ok(Duration::from_millis(1 + turn % 5))
        });
        let row = judge(&context(3), subject(Ok(side(1)), Ok(rival)));
        assert_eq!(row.attempts.len(), 3);
        assert_eq!(row.status, Status::Inconclusive);
    }
}
