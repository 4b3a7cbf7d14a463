//! What a capture came to so far: messages judged, requirements asserted, and what was not as required.
//! Invariant: what is asserted is counted whether it holds or not; findings have a limit, behind which they are counted.
//! Byte order: none.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::CaptureFinding;
use crate::catalogue;
use crate::check::InfoFinding;
use crate::wire::Malformed;

/// Findings that are kept.
const FINDINGS_MAX: usize = 10_000;

/// Who said something to whom, in which packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The packet that completed the message.
    pub packet: usize,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Messages that were judged, by kind.
    pub messages: BTreeMap<&'static str, usize>,
    /// What could not be judged, by what it is.
    pub not_judged: BTreeMap<&'static str, usize>,
    /// How often requirements were asserted.
    pub asserted: BTreeMap<&'static str, usize>,
    /// What was not as required.
    pub findings: Vec<CaptureFinding>,
    /// Findings over the limit.
    pub findings_left_out: usize,
}

impl Found {
    /// A message is judged.
    pub fn count(&mut self, message: &'static str) {
        *self.messages.entry(message).or_default() += 1;
    }

    /// Something cannot be judged.
    pub fn leave(&mut self, what: &'static str) {
        *self.not_judged.entry(what).or_default() += 1;
    }

    /// Asserts a requirement.
    pub fn holds(
        &mut self,
        place: Place,
        is_so: bool,
        requirement: &'static str,
        text: impl FnOnce() -> String,
    ) {
        *self.asserted.entry(requirement).or_default() += 1;
        if is_so {
            return;
        }
        let level = catalogue::find(requirement).map(|found| found.level);
        let is_failure = level.is_none_or(catalogue::Level::binds);
        self.add(place, requirement, None, is_failure, text());
    }

    /// Asserts a requirement of which a deviation with a name is known.
    pub fn deviates(
        &mut self,
        place: Place,
        requirement: &'static str,
        quirk: &'static str,
        text: String,
    ) {
        *self.asserted.entry(requirement).or_default() += 1;
        self.add(place, requirement, Some(quirk), false, text);
    }

    /// What a reader refused.
    pub fn malformed(&mut self, place: Place, error: &Malformed) {
        self.holds(place, false, error.requirement, || error.to_string());
    }

    /// What was found in content information.
    pub fn of_information(&mut self, place: Place, found: InfoFinding) {
        *self.asserted.entry(found.requirement).or_default() += 1;
        let text = format!("content information: {}", found.text);
        self.add(
            place,
            found.requirement,
            found.quirk,
            found.is_failure,
            text,
        );
    }

    fn add(
        &mut self,
        place: Place,
        requirement: &'static str,
        quirk: Option<&'static str>,
        is_failure: bool,
        text: String,
    ) {
        if self.findings.len() >= FINDINGS_MAX {
            self.findings_left_out += 1;
            return;
        }
        self.findings.push(CaptureFinding {
            packet: place.packet,
            sender: place.from.to_string(),
            receiver: place.to.to_string(),
            requirement,
            quirk,
            is_failure,
            text,
        });
    }
}
