//! Runs cases against targets, several at a time.
//! Invariant: results stand in the order of the cases whatever ran when; a case that panics is inconclusive.
//! Byte order: none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::session::{Session, Settings};
use super::{Case, CaseResult, Outcome, Role, Run, Stop, Tag, Verdict};
use crate::clock;
use crate::evidence::record::Recorder;
use crate::targets::Targets;

/// Runs the cases for whose role there is a target; `done` hears of each as it ends.
#[must_use]
pub fn run(
    cases: &[&'static Case],
    targets: &Targets,
    settings: &Settings,
    done: &(dyn Fn(&CaseResult) + Sync),
) -> Vec<CaseResult> {
    let cases: Vec<_> = cases
        .iter()
        .copied()
        .filter(|case| targets.has(case.role()))
        .collect();
    let slots: Vec<Mutex<Option<CaseResult>>> = cases.iter().map(|_| Mutex::default()).collect();
    let (alone, mut together): (Vec<usize>, Vec<usize>) = (0..cases.len())
        .partition(|place| cases.get(*place).is_some_and(|case| case.has(Tag::Alone)));
    let take = |places: &[usize], next: &AtomicUsize| {
        while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (Some(case), Some(slot)) = (cases.get(*place), slots.get(*place)) else {
                continue;
            };
            let result = run_one(case, targets, settings);
            done(&result);
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    // The slow ones first, so that none is left waiting at the end.
    together.sort_by_key(|place| cases.get(*place).is_none_or(|case| !case.has(Tag::Timer)));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, together.len().max(1)) {
            scope.spawn(|| take(&together, &next));
        }
    });
    take(&alone, &AtomicUsize::new(0));
    slots
        .into_iter()
        .filter_map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Runs one case. A role without a target is skipped.
#[must_use]
pub fn run_one(case: &'static Case, targets: &Targets, settings: &Settings) -> CaseResult {
    match case.run {
        Run::ContentInfo(body) => with(case, targets.content_info.as_ref(), settings, body),
        Run::ContentServer(body) => with(case, targets.content_server.as_ref(), settings, body),
        Run::Peer(body) => with(case, targets.peer.as_ref(), settings, body),
        Run::Responder(body) => with(case, targets.responder.as_ref(), settings, body),
        Run::HostedCache(body) => with(case, targets.hosted_cache.as_ref(), settings, body),
        Run::Client(body) => with(case, targets.client.as_ref(), settings, body),
    }
}

fn with<T>(
    case: &'static Case,
    target: Option<&T>,
    settings: &Settings,
    body: fn(&Session<'_, T>) -> Outcome,
) -> CaseResult {
    let begun = clock::now();
    let Some(target) = target else {
        let reason = format!("there is no {} to judge", case.role());
        return CaseResult {
            case,
            verdict: Verdict::Skip,
            reason: Some(reason),
            findings: Vec::new(),
            asserted: Vec::new(),
            took: Duration::ZERO,
            record: Recorder::new().record(),
        };
    };
    let session = Session::new(case, target, settings);
    let outcome = match settings.profile.lacks(case) {
        Some(why) => Err(Stop::Unsupported(why.to_owned())),
        None => catch_unwind(AssertUnwindSafe(|| body(&session))).unwrap_or_else(|_| {
            let why = "the judge failed in this case; that is a mistake of the judge";
            Err(Stop::Inconclusive(why.to_owned()))
        }),
    };
    let took = clock::now().saturating_duration_since(begun);
    let record = session.recorder.record();
    let (findings, asserted) = session.into_found();
    let failed = findings.iter().any(|finding| finding.is_failure);
    let (verdict, reason) = match outcome {
        _ if failed => (Verdict::Fail, None),
        Err(Stop::Skip(why)) => (Verdict::Skip, Some(why)),
        Err(Stop::Unsupported(what)) => (Verdict::Unsupported, Some(what)),
        Err(Stop::Inconclusive(why)) => (Verdict::Inconclusive, Some(why)),
        // What should be was not, and without it the case could not go on.
        Err(Stop::Failed) if !findings.is_empty() => (Verdict::Warn, None),
        Err(Stop::Failed) => {
            let why = "the case ended without saying what it found; that is a mistake of the judge";
            (Verdict::Inconclusive, Some(why.to_owned()))
        }
        Ok(()) if asserted.is_empty() => {
            let why = "the case asserted nothing; that is a mistake of the judge";
            (Verdict::Inconclusive, Some(why.to_owned()))
        }
        Ok(()) if findings.is_empty() => (Verdict::Pass, None),
        Ok(()) => (Verdict::Warn, None),
    };
    CaseResult {
        case,
        verdict,
        reason,
        findings,
        asserted,
        took,
        record,
    }
}

/// How many cases came out how.
#[must_use]
pub fn count(results: &[CaseResult], verdict: Verdict) -> usize {
    let such = |result: &&CaseResult| result.verdict == verdict;
    results.iter().filter(such).count()
}

/// The roles that results are of, in the order of reports.
#[must_use]
pub fn roles(results: &[CaseResult]) -> Vec<Role> {
    let has = |role: &Role| results.iter().any(|result| result.case.role() == *role);
    Role::ALL.into_iter().filter(has).collect()
}
