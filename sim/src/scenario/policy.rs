//! What a group of hosts does otherwise than the defaults of core have it: windows, discovery, origin, offers.
//! Invariant: what is not said is as core has it; every key is a setting of a machine of core, or a time of day.
//! Byte order: none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{Bytes, Part, Span};

const DAY: u64 = 86_400 * 1_000_000_000;
const WORKING_DAYS: u64 = 5;
const WEEK: u64 = 7;

/// A part of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From this time of the day, counted from midnight.
    pub from: Span,
    /// To this one; to that of the next day where it is earlier.
    pub until: Span,
    /// On which days it begins.
    #[serde(default)]
    pub days: Days,
}

/// Days of the week; the simulation starts on a Monday at midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// All of them.
    #[default]
    All,
    /// Monday to Friday.
    Working,
    /// Saturday and Sunday.
    Weekend,
}

impl Window {
    /// When it is open, of those that begin on a day.
    fn on(&self, day: u64) -> Option<(u64, u64)> {
        let is_working = day % WEEK < WORKING_DAYS;
        let is_meant = match self.days {
            Days::All => true,
            Days::Working => is_working,
            Days::Weekend => !is_working,
        };
        let begins = day.checked_mul(DAY)?.checked_add(self.from.0)?;
        let lasts = if self.until > self.from {
            self.until.0 - self.from.0
        } else {
            (DAY + self.until.0).saturating_sub(self.from.0)
        };
        is_meant.then(|| (begins, begins.saturating_add(lasts)))
    }
}

/// The first moment from this one on at which a window is open; the moment itself where there are no windows.
#[must_use]
pub fn open_from(windows: &[Window], at: u64) -> u64 {
    if windows.is_empty() {
        return at;
    }
    let today = at / DAY;
    // One that began yesterday may still be open; within a week each opens.
    let days = today.saturating_sub(1)..=today.saturating_add(WEEK);
    let open = windows
        .iter()
        .flat_map(|window| days.clone().filter_map(|day| window.on(day)));
    let next = open.filter(|(_, ends)| *ends > at);
    next.map(|(begins, _)| begins.max(at)).min().unwrap_or(at)
}

/// Whether a window is open; always where there are none.
#[must_use]
pub fn is_open(windows: &[Window], at: u64) -> bool {
    open_from(windows, at) == at
}

/// How hosts look for others, and answer who looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DiscoveryPolicy {
    /// How long answers to a probe are awaited.
    pub wait: Option<Span>,
    /// How long an answer waits at most, at random; a probe is never awaited shorter.
    pub answer_delay: Option<Span>,
    /// How many more times a probe is sent.
    pub repeats: Option<u32>,
    /// Who has a segment stays silent once so many answered for it when he fetched it; 0: never.
    pub suppression: Option<u32>,
    /// How many discoveries start in a second at most.
    pub per_second: Option<u32>,
    /// How long it is remembered that nobody has a segment.
    pub remember_nobody: Option<Span>,
    /// How long it is remembered that somebody has one.
    pub remember_peers: Option<Span>,
}

/// How hosts ask neighbours and hosted caches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct PeerPolicy {
    /// How long a segment may take to come from them; then the origin is asked for the rest.
    pub segment_timer: Option<Span>,
    /// How many segments are fetched at a time.
    pub segments: Option<u32>,
    /// How many blocks of a segment one of them is asked for at a time.
    pub requests: Option<u32>,
}

/// How hosts ask the origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct OriginPolicy {
    /// How many ranges at a time.
    pub ranges: Option<u32>,
    /// How long one is at most.
    pub range: Option<Bytes>,
    /// How much is asked for at a time at most; what waits is looked for at neighbours again meanwhile.
    pub backlog: Option<Bytes>,
    /// How long what waits does so before it is looked for again.
    pub look_again: Option<Span>,
}

/// What hosts offer to the hosted cache of their site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct OfferPolicy {
    /// Nothing at all.
    pub none: bool,
    /// A segment, once so much of it came from the origin.
    pub after: Option<Part>,
    /// How long an offer waits for others that it can go with.
    pub delay: Option<Span>,
}

/// What kind of machine hosts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// A program of this project: all versions of the protocols, several blocks of a segment asked of a peer at a time, a
    /// minute for a segment.
    #[default]
    Current,
    /// Windows 7: content information, retrieval and offers of version 1.0 alone; one block of a segment asked of a peer
    /// at a time, five seconds for a segment, as documented.
    #[serde(rename = "windows_7")]
    Windows7,
    /// Windows 8 and later: as Windows 7, with all versions.
    #[serde(rename = "windows_8")]
    Windows8,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600 * 1_000_000_000;

    fn window(from: u64, until: u64, days: Days) -> Window {
        Window {
            from: Span(from * HOUR),
            until: Span(until * HOUR),
            days,
        }
    }

    #[test]
    fn a_window_opens_on_its_days_and_may_last_over_midnight() {
        let work = [window(8, 17, Days::Working)];
        let night = [window(22, 6, Days::All)];
        for (windows, at, opens) in [
            (&work, 0, 8),
            (&work, 9, 9),
            (&work, 17, 24 + 8),
            (&work, 4 * 24 + 18, 7 * 24 + 8),
            (&night, 1, 22),
            (&night, 23, 23),
            (&night, 24 + 5, 24 + 5),
            (&night, 24 + 6, 24 + 22),
        ] {
            assert_eq!(open_from(windows, at * HOUR), opens * HOUR, "at {at} h");
            assert_eq!(is_open(windows, at * HOUR), at == opens);
        }
        assert_eq!(open_from(&[], 77), 77);
    }
}
