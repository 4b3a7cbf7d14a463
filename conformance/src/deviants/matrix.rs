//! Which case finds which deviant.
//! Invariant: a deviant counts as caught only if the case meant for it says so, and not if another does.
//! Byte order: none.

use core::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Deviant, stage};
use crate::cases;
use crate::judge::run::{self, run_one};
use crate::judge::session::Settings;
use crate::judge::{Case, CaseResult, Role, Tag, Verdict};

/// How it went with one deviant.
#[derive(Debug)]
pub struct Row {
    /// Which.
    pub deviant: &'static Deviant,
    /// The verdict of the case meant for it.
    pub verdict: Verdict,
    /// What the case said.
    pub text: String,
}

impl Row {
    /// Whether the case meant for it found it.
    #[must_use]
    pub fn is_caught(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn)
    }

    /// Whether the case could not run here, for not every machine has IPv6.
    #[must_use]
    pub fn is_left_out(&self) -> bool {
        let all = cases::all();
        let case = meant(&all, self.deviant);
        self.verdict == Verdict::Skip && case.is_some_and(|case| case.has(Tag::Ipv6))
    }
}

/// Runs the case meant for each deviant against it, several at a time, in the order of the deviants.
///
/// # Errors
/// That of the system where one cannot be started.
pub fn run_meant(deviants: &[&'static Deviant], settings: &Settings) -> io::Result<Vec<Row>> {
    let cases = cases::all();
    let slots: Vec<Mutex<Option<io::Result<Row>>>> =
        deviants.iter().map(|_| Mutex::default()).collect();
    let mut order: Vec<usize> = (0..deviants.len()).collect();
    // Those that wait for timers first.
    order.sort_by_key(|place| {
        let case = deviants
            .get(*place)
            .and_then(|deviant| meant(&cases, deviant));
        case.is_none_or(|case| !case.has(Tag::Timer))
    });
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, deviants.len().max(1)) {
            scope.spawn(|| {
                while let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (Some(deviant), Some(slot)) = (deviants.get(*place), slots.get(*place))
                    else {
                        continue;
                    };
                    let row = row(deviant, meant(&cases, deviant), settings);
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(row);
                }
            });
        }
    });
    slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

fn meant(cases: &[&'static Case], deviant: &Deviant) -> Option<&'static Case> {
    cases
        .iter()
        .copied()
        .find(|case| case.id == deviant.caught_by)
}

fn row(
    deviant: &'static Deviant,
    case: Option<&'static Case>,
    settings: &Settings,
) -> io::Result<Row> {
    let Some(case) = case else {
        return Ok(Row {
            deviant,
            verdict: Verdict::Inconclusive,
            text: format!("there is no case {}", deviant.caught_by),
        });
    };
    let stage = stage(deviant.mistake.role(), Some(deviant.mistake))?;
    let result = run_one(case, &stage.targets, settings);
    Ok(Row {
        deviant,
        verdict: result.verdict,
        text: said(&result),
    })
}

/// What a result says, in a line.
#[must_use]
pub fn said(result: &CaseResult) -> String {
    let finding = result.findings.first();
    let finding = finding.map(|found| format!("{}: {}", found.requirement, found.text));
    finding
        .or_else(|| result.reason.clone())
        .unwrap_or_default()
}

/// The deviants and the cases meant for them, as a page.
#[must_use]
pub fn to_markdown() -> String {
    let cases = cases::all();
    let mut page = String::from(
        "# Deviants and the cases that catch them\n\n\
         Implementations that are wrong in one way each. `cargo test -p peerdist-conformance --test deviants` runs every\n\
         case of this page against its deviant, which it has to find, and fails where the page is out of date; with\n\
         `UPDATE_MATRIX=1` in the environment it writes the page. `peerdist conform matrix` runs them all.\n",
    );
    for role in Role::ALL {
        let of_role = super::all();
        let of_role = of_role.iter().filter(|one| one.mistake.role() == role);
        // Writing into memory cannot fail.
        let _ = write!(
            page,
            "\n## {role}\n\n| deviant | it | case | requirement |\n|---|---|---|---|\n"
        );
        for deviant in of_role {
            let about = meant(&cases, deviant).and_then(|case| case.requirements.first());
            let about = about.copied().unwrap_or_default();
            let (id, what, case) = (deviant.id, deviant.what, deviant.caught_by);
            let _ = writeln!(page, "| `{id}` | {what} | `{case}` | {about} |");
        }
    }
    page
}

/// Runs all cases of a role against the implementation of it that has nothing wrong.
///
/// # Errors
/// That of the system where it cannot be started.
pub fn run_correct(role: Role, settings: &Settings) -> io::Result<Vec<CaseResult>> {
    let stage = stage(role, None)?;
    Ok(run::run(&cases::all(), &stage.targets, settings, &|_| ()))
}
