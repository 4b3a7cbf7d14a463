//! What a case has at hand: its target, the record, the patience of the judge, and where it says what it found.
//! Invariant: how bad a finding is follows from the level of its requirement and the profile; what cannot be read is bad.
//! Byte order: none.

use core::fmt::{Debug, Display};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::profile::Profile;
use super::{Case, Finding, Outcome, Stop};
use crate::catalogue::{self, Level};
use crate::evidence::record::Recorder;
use crate::wire::Malformed;

/// How the judge judges.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether what should be counts as what has to be.
    pub is_strict: bool,
    /// Which deviations are taken as known.
    pub profile: Profile,
    /// How long nothing has to come for it to be silence.
    pub silence: Duration,
    /// How long an answer may take.
    pub answer: Duration,
    /// How many cases run at a time.
    pub jobs: usize,
    /// What random bytes are drawn from. The same seed offers the same segments again, which a cache may know by then.
    pub seed: [u8; 32],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_strict: false,
            profile: Profile::default(),
            silence: Duration::from_millis(400),
            answer: Duration::from_secs(10),
            jobs: 16,
            seed: [0; 32],
        }
    }
}

/// What a case has at hand.
#[derive(Debug)]
pub struct Session<'a, T> {
    /// What is judged.
    pub target: &'a T,
    /// Where all that happens is kept.
    pub recorder: Recorder,
    /// How the judge judges.
    pub settings: &'a Settings,
    case: &'static Case,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    findings: Vec<Finding>,
    asserted: BTreeSet<&'static str>,
    drawn: u64,
}

impl<'a, T> Session<'a, T> {
    /// For a case against a target.
    #[must_use]
    pub fn new(case: &'static Case, target: &'a T, settings: &'a Settings) -> Self {
        Self {
            target,
            recorder: Recorder::new(),
            settings,
            case,
            state: Arc::default(),
        }
    }

    /// The same case against something else beside its target: what is found there is found in this case.
    #[must_use]
    pub fn beside<'b, U>(&'b self, target: &'b U) -> Session<'b, U> {
        Session {
            target,
            recorder: self.recorder.clone(),
            settings: self.settings,
            case: self.case,
            state: Arc::clone(&self.state),
        }
    }

    /// What was found and what was asserted.
    pub(crate) fn into_found(self) -> (Vec<Finding>, Vec<&'static str>) {
        let state = std::mem::take(&mut *self.state());
        (state.findings, state.asserted.into_iter().collect())
    }

    /// The requirement that the case is about.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.case.requirements.first().copied().unwrap_or_default()
    }

    /// Whether the case tells a deviation from others.
    #[must_use]
    pub fn tells(&self, quirk: &str) -> bool {
        self.case.quirks.contains(&quirk)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a requirement was held against what happened.
    fn asserts(&self, requirement: &'static str) {
        debug_assert!(
            self.case.requirements.contains(&requirement),
            "{} asserts {requirement} and does not name it",
            self.case.id
        );
        self.state().asserted.insert(requirement);
    }

    /// Asserts a requirement. What has to be and is not ends the case; what should be is noted and the case goes on.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn holds(&self, is_so: bool, requirement: &'static str, found: impl Display) -> Outcome {
        self.asserts(requirement);
        if is_so {
            Ok(())
        } else {
            self.found(requirement, None, found.to_string())
        }
    }

    /// Asserts that a field has a value.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn equal<V: PartialEq + Debug>(
        &self,
        requirement: &'static str,
        field: &str,
        found: &V,
        expected: &V,
    ) -> Outcome {
        self.holds(
            found == expected,
            requirement,
            format_args!("{field} is {found:?}, expected {expected:?}"),
        )
    }

    /// Asserts that bytes could be read. The requirement is that of the field at fault where the case names it, or else
    /// `requirement`.
    ///
    /// # Errors
    /// [`Stop::Failed`].
    pub fn reads<V>(
        &self,
        requirement: &'static str,
        read: Result<V, Malformed>,
    ) -> Result<V, Stop> {
        match read {
            Ok(value) => {
                self.asserts(requirement);
                Ok(value)
            }
            Err(error) => {
                let names = self.case.requirements.contains(&error.requirement);
                let broken = if names {
                    error.requirement
                } else {
                    requirement
                };
                self.asserts(broken);
                // Whatever the level: what else the case asserts cannot be looked at.
                self.say(Finding {
                    is_failure: true,
                    requirement: broken,
                    quirk: None,
                    text: format!("{error} ({})", error.requirement),
                });
                Err(Stop::Failed)
            }
        }
    }

    /// Asserts a requirement that is met but for a deviation with a name.
    ///
    /// # Errors
    /// [`Stop::Failed`] where the profile knows no excuse.
    pub fn quirk(
        &self,
        quirk: &'static str,
        requirement: &'static str,
        found: impl Display,
    ) -> Outcome {
        debug_assert!(
            self.case.quirks.contains(&quirk),
            "{}: {quirk}",
            self.case.id
        );
        self.asserts(requirement);
        if self.settings.profile.allows(quirk) {
            self.recorder
                .note(format!("{found}: '{quirk}', which the profile allows"));
            return Ok(());
        }
        self.found(requirement, Some(quirk), found.to_string())
    }

    fn found(
        &self,
        requirement: &'static str,
        quirk: Option<&'static str>,
        text: String,
    ) -> Outcome {
        let level = catalogue::find(requirement).map_or(Level::Must, |found| found.level);
        let is_failure = match quirk {
            Some(_) => self.settings.profile == Profile::Strict,
            None => level.binds() || (self.settings.is_strict && level.is_should()),
        };
        self.say(Finding {
            is_failure,
            requirement,
            quirk,
            text,
        });
        if is_failure {
            Err(Stop::Failed)
        } else {
            Ok(())
        }
    }

    fn say(&self, finding: Finding) {
        self.recorder.note(finding.to_string());
        let findings = &mut self.state().findings;
        // A case that tries many things of a kind says once what all of them showed.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }

    /// Random bytes that no other case has.
    #[must_use]
    pub fn random(&self, count: usize) -> Vec<u8> {
        let draw = {
            let mut state = self.state();
            state.drawn += 1;
            state.drawn
        };
        let mut bytes = Vec::with_capacity(count + 32);
        let mut number = 0_u64;
        while bytes.len() < count {
            let digest = Sha256::new()
                .chain_update(self.settings.seed)
                .chain_update(self.case.id)
                .chain_update(draw.to_le_bytes())
                .chain_update(number.to_le_bytes())
                .finalize();
            bytes.extend_from_slice(&digest);
            number += 1;
        }
        bytes.truncate(count);
        bytes
    }

    /// A random array that no other case has.
    #[must_use]
    pub fn random_array<const N: usize>(&self) -> [u8; N] {
        let mut array = [0; N];
        array.copy_from_slice(&self.random(N));
        array
    }
}
