//! From two sides to a row: measure, compare with the bounds of this machine, try again where it may help.
//! Invariant: a subject always becomes a row, whatever is missing.

use crate::gates::{Figure, MAX_NOISE_PERCENT, Status, applied, best_attempt};
use crate::machine::Class;
use crate::pairs::{Failure, Side, measure, measure_alone};
pub use crate::report::Unit;
use crate::report::{Row, rounded};
use crate::rivals::NotInstalled;
use crate::stats::{Summary, WHOLE_CORE, combine, median, summarize, summarize_alone};
use crate::workload::IN_MEMORY_LEN;

/// Asks for the share of the core, or of the cores, that a row has just now.
pub type ShareOfCore<'a> = &'a dyn Fn() -> Option<f64>;

/// What a row compares.
pub struct Subject<'a> {
    /// The row.
    pub name: &'static str,
    /// Which of our kernels runs.
    pub kernel: String,
    /// What the work of the sides counts.
    pub unit: Unit,
    /// Our side, or why there is none.
    pub ours: Result<Side<'a>, Failure>,
    /// Who the rival is.
    pub rival_name: String,
    /// The rival's side, or why there is none.
    pub rival: Result<Side<'a>, NotInstalled>,
    /// Pairs to take.
    pub pairs: u32,
    /// The control of the core, see [`crate::core_share`].
    pub share_of_core: ShareOfCore<'a>,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One round of a row: its measurement, or what became of it.
#[derive(Debug)]
pub struct Round {
    blank: Row,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Compared(Summary),
    /// Bytes or messages a second and noise in percent, without a rival.
    Alone(f64, f64),
    NotMeasured,
    OursFailed,
}

impl Round {
    /// Measures a subject once.
    pub fn measure(subject: Subject<'_>) -> Self {
        let blank = blank(&subject);
        let mut ours = match subject.ours {
            Ok(ours) => ours,
            Err(reason) => return Self::ended(blank, Outcome::OursFailed, &reason),
        };
        let measured = match subject.rival {
            Ok(mut rival) => measure(&mut ours, &mut rival, subject.pairs, subject.share_of_core)
                .map(|pairs| summarize(&pairs).map(Outcome::Compared)),
            Err(_) => measure_alone(&mut ours, subject.pairs).map(|samples| {
                summarize_alone(&samples).map(|(speed, noise)| Outcome::Alone(speed, noise))
            }),
        };
        match measured {
            Ok(Some(outcome)) => Self { blank, outcome },
            Ok(None) => Self::ended(blank, Outcome::NotMeasured, "no pairs were asked for"),
            Err(reason) => Self::ended(blank, Outcome::OursFailed, &reason),
        }
    }

    /// A row that this machine cannot run at all.
    pub fn not_measured(subject: &Subject<'_>, reason: &str) -> Self {
        Self::ended(blank(subject), Outcome::NotMeasured, reason)
    }

    fn ended(mut blank: Row, outcome: Outcome, reason: &str) -> Self {
        blank.add_note(reason);
        Self { blank, outcome }
    }

    /// What the machine withheld while this was measured counts as noise: of so many cores it gave this much.
    pub fn withheld(&mut self, cores: usize, granted: f64) {
        let share = 100.0 * (1.0 - granted / cores as f64);
        if let Outcome::Compared(summary) = &mut self.outcome
            && share > summary.noise_percent
        {
            summary.noise_percent = share;
            self.blank
                .add_note(&format!("the machine gave {granted:.2} of {cores} cores"));
        }
    }

    /// Appends to the note of the row.
    pub fn add_note(&mut self, more: &str) {
        self.blank.add_note(more);
    }
}

/// Measures a row in rounds, and again where another attempt may help, and gives the verdict.
pub fn judge(mut round: impl FnMut() -> Round, rounds: u32, attempts: u32) -> Row {
    // Takes the pages that a round gave back, so that the next one gets others.
    let mut ballast = Vec::new();
    let mut best: Vec<(Summary, Status)> = Vec::new();
    let mut ratios = Vec::new();
    loop {
        let mut measured: Vec<Summary> = Vec::new();
        let mut alone: Vec<(f64, f64)> = Vec::new();
        let mut row = loop {
            let Round {
                blank: mut row,
                outcome,
            } = round();
            match outcome {
                Outcome::Compared(summary) => measured.push(summary),
                Outcome::Alone(speed, noise) => alone.push((speed, noise)),
                Outcome::NotMeasured => return row,
                Outcome::OursFailed => {
                    row.status = Status::OursFailed;
                    return row;
                }
            }
            if measured.len() + alone.len() >= rounds as usize {
                break row;
            }
            ballast.push(vec![1_u8; IN_MEMORY_LEN]);
        };
        let Some(summary) = combine(&measured) else {
            let of = |figure: fn(&(f64, f64)) -> f64| {
                median(&alone.iter().map(figure).collect::<Vec<f64>>())
            };
            row.status = Status::NoRival;
            row.ours = of(|round| round.0).map(|speed| row.unit.of(speed));
            row.noise = of(|round| round.1).map(rounded);
            return row;
        };
        ratios.push(measured.iter().map(|round| rounded(round.ratio)).collect());
        let status = Status::of(&summary, row.bounds());
        best.push((summary, status));
        if !status.worth_another_attempt() || best.len() >= attempts as usize {
            row.attempts = ratios;
            return conclude(row, &best);
        }
    }
}

/// Enters the attempt that speaks for the row.
fn conclude(mut row: Row, attempts: &[(Summary, Status)]) -> Row {
    let Some((summary, status)) = best_attempt(attempts, row.bounds_of) else {
        return row;
    };
    row.ours = Some(row.unit.of(summary.ours));
    row.rival = Some(row.unit.of(summary.rival));
    row.ratio = Some(rounded(summary.ratio));
    row.noise = Some(rounded(row.bounds_of.noise_percent(summary)));
    row.pairs_used = summary.pairs_used;
    row.pairs_taken = summary.pairs_taken;
    row.status = *status;
    if summary.core < WHOLE_CORE {
        row.add_note(&format!(
            "somebody else was on the core: {:.0} % of it was ours",
            100.0 * summary.core
        ));
    }
    if *status == Status::Inconclusive {
        row.add_note(&format!(
            "noise above {MAX_NOISE_PERCENT} %, or as large as what is missing, decides nothing"
        ));
    }
    row
}

fn blank(subject: &Subject<'_>) -> Row {
    let applied = applied(subject.name, Class::of);
    let mut row = Row {
        name: subject.name,
        ours: None,
        rival: None,
        rival_name: subject.rival_name.clone(),
        ratio: None,
        floor: applied.bounds.map(|bounds| bounds.floor),
        target: applied.bounds.map(|bounds| bounds.target),
        bounds_of: applied.bounds.map_or(Figure::Ratio, |bounds| bounds.of),
        unit: subject.unit,
        published_floor: applied.published.map(|bounds| bounds.floor),
        published_target: applied.published.map(|bounds| bounds.target),
        status: Status::NotMeasured,
        noise: None,
        pairs_used: 0,
        pairs_taken: 0,
        attempts: Vec::new(),
        kernel: subject.kernel.clone(),
        note: applied.note,
    };
    if let Err(reason) = &subject.rival {
        row.add_note(&format!("rival {reason}"));
    }
    row
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn side<'a>(millis: u64) -> Side<'a> {
        Side::self_timed(1_000_000, move || Ok(Duration::from_millis(millis)))
    }

    fn subject<'a>(
        ours: Result<Side<'a>, Failure>,
        rival: Result<Side<'a>, NotInstalled>,
    ) -> Subject<'a> {
        let (kernel, rival_name) = ("k".to_owned(), "r".to_owned());
        Subject {
            name: "a row without a gate",
            kernel,
            unit: Unit::GigabytesASecond,
            ours,
            rival_name,
            rival,
            pairs: 9,
            share_of_core: &|| None,
        }
    }

    #[test]
    fn messages_are_counted_one_by_one_and_their_own_noise_is_told() {
        let subject = || Subject {
            name: "retrieval-machine",
            unit: Unit::MessagesASecond,
            ..subject(Ok(side(200)), Ok(side(100)))
        };
        let row = judge(|| Round::measure(subject()), 1, 3);
        assert_eq!((row.ours, row.ratio), (Some(5e6), Some(0.5)));
        assert_eq!((row.floor, row.target), (Some(2e6), Some(5e6)));
        assert_eq!((row.status, row.noise), (Status::TargetMet, Some(0.0)));
        assert_eq!((row.bounds_of, row.attempts.len()), (Figure::Ours, 1));
    }

    #[test]
    fn both_sides_become_speeds_and_a_ratio() {
        let row = judge(|| Round::measure(subject(Ok(side(1)), Ok(side(2)))), 1, 1);
        assert_eq!(
            (row.ours, row.rival, row.ratio),
            (Some(1.0), Some(0.5), Some(2.0))
        );
        assert_eq!((row.status, row.noise), (Status::NoFloor, Some(0.0)));
    }

    #[test]
    fn a_missing_rival_leaves_our_speed_and_a_reason() {
        let missing = || Err(NotInstalled("no libcrypto".into()));
        let row = judge(|| Round::measure(subject(Ok(side(1)), missing())), 2, 3);
        assert_eq!((row.ours, row.rival, row.ratio), (Some(1.0), None, None));
        assert_eq!(row.status, Status::NoRival);
        assert!(row.note.unwrap().contains("no libcrypto"));
    }

    #[test]
    fn our_failure_fails_the_row_in_its_own_words() {
        let broken = || Err("digests differ".into());
        let row = judge(|| Round::measure(subject(broken(), Ok(side(1)))), 3, 3);
        assert!(row.status.fails());
        assert!(row.note.unwrap().contains("digests differ"));
    }

    #[test]
    fn what_cannot_run_here_is_a_row_that_does_not_fail() {
        let unable = || Round::not_measured(&subject(Ok(side(1)), Ok(side(1))), "one core");
        let row = judge(unable, 3, 3);
        assert_eq!(
            (row.status, row.note),
            (Status::NotMeasured, Some("one core".to_owned()))
        );
        assert!(!row.status.fails());
    }

    #[test]
    fn an_unlucky_round_does_not_decide() {
        let mut turn = 0;
        let round = || {
            turn += 1;
            Round::measure(subject(
                Ok(side(if turn == 2 { 2 } else { 1 })),
                Ok(side(4)),
            ))
        };
        let row = judge(round, 3, 1);
        assert_eq!(
            (row.ratio, row.attempts),
            (Some(4.0), vec![vec![4.0, 2.0, 4.0]])
        );
    }

    #[test]
    fn noise_is_tried_again_as_often_as_allowed() {
        let mut turn = 0_u64;
        let row = judge(
            || {
                let rival = Side::self_timed(1_000_000, || {
                    turn += 1;
                    Ok(Duration::from_millis(1 + turn % 5))
                });
                Round::measure(subject(Ok(side(1)), Ok(rival)))
            },
            1,
            3,
        );
        assert_eq!(row.attempts.len(), 3);
        assert_eq!(row.status, Status::Inconclusive);
    }
}
