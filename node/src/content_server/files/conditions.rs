//! RFC 9110 13: conditions of a request, held against the state of a file, in the order of 13.2.2.
//! Invariant: a condition that cannot be read is as none, except If-Match, which then does not hold.
//! Byte order: none.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::State;
use crate::content_server::entity_tag::{EntityTag, tags};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Holds,
    /// Status 412.
    Failed,
    /// Status 304.
    NotModified,
}

pub(super) fn of(headers: &HeaderMap, state: &State) -> Condition {
    let date = |name: HeaderName| date(headers.get(name)?);
    let modified = whole_seconds(state.modified);
    if headers.contains_key(header::IF_MATCH) {
        if !matches(headers, header::IF_MATCH, state, |one, other| {
            one.is_strongly(other)
        }) {
            return Condition::Failed;
        }
    } else if date(header::IF_UNMODIFIED_SINCE).is_some_and(|since| modified > since) {
        return Condition::Failed;
    }
    if headers.contains_key(header::IF_NONE_MATCH) {
        if matches(headers, header::IF_NONE_MATCH, state, |one, other| {
            one.is_weakly(other)
        }) {
            return Condition::NotModified;
        }
    } else if date(header::IF_MODIFIED_SINCE).is_some_and(|since| modified <= since) {
        return Condition::NotModified;
    }
    Condition::Holds
}

fn matches(
    headers: &HeaderMap,
    name: HeaderName,
    state: &State,
    is_same: fn(EntityTag<'_>, EntityTag<'_>) -> bool,
) -> bool {
    let Some(own) = EntityTag::parse(state.tag.as_bytes()) else {
        return false;
    };
    headers.get_all(name).iter().any(|list| {
        list.as_bytes().trim_ascii() == b"*" || tags(list.as_bytes()).any(|tag| is_same(tag, own))
    })
}

/// Whether a range of an earlier state fits this one: RFC 9110 13.1.5.
pub(super) fn range_holds(headers: &HeaderMap, state: &State) -> bool {
    let Some(value) = headers.get(header::IF_RANGE) else {
        return true;
    };
    match EntityTag::parse(value.as_bytes()) {
        Some(tag) => EntityTag::parse(state.tag.as_bytes()).is_some_and(|own| own.is_strongly(tag)),
        // The date must be the very same, and of a second that is over.
        None => state.is_rested && date(value) == Some(whole_seconds(state.modified)),
    }
}

fn date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// As a header field can say it.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OLD: &str = "Thu, 01 Jan 1970 00:16:39 GMT";
    const SAME: &str = "Thu, 01 Jan 1970 00:16:40 GMT";
    const NEW: &str = "Thu, 01 Jan 1970 00:16:41 GMT";

    fn state(tag: &str) -> State {
        State {
            tag: tag.to_owned(),
            modified: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_500),
            is_rested: !tag.starts_with('W'),
            length: 10,
        }
    }

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let pair = |(name, value): &(HeaderName, &str)| (name.clone(), value.parse().unwrap());
        fields.iter().map(pair).collect()
    }

    #[test]
    fn conditions_hold_or_not_in_their_order() {
        use Condition::{Failed, Holds, NotModified};
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let cases: &[(&[(HeaderName, &str)], Condition)] = &[
            (&[], Holds),
            (&[(IF_MATCH, "\"a\"")], Holds),
            (&[(IF_MATCH, "*")], Holds),
            (&[(IF_MATCH, "W/\"a\"")], Failed),
            (&[(IF_MATCH, "\"b\", \"c\"")], Failed),
            (&[(IF_MATCH, "nonsense")], Failed),
            (&[(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, OLD)], Holds),
            (&[(IF_UNMODIFIED_SINCE, OLD)], Failed),
            (&[(IF_UNMODIFIED_SINCE, SAME)], Holds),
            (&[(IF_UNMODIFIED_SINCE, "yesterday")], Holds),
            (&[(IF_NONE_MATCH, "\"b\", W/\"a\"")], NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified),
            (&[(IF_NONE_MATCH, "\"b\"")], Holds),
            (&[(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, NEW)], Holds),
            (&[(IF_MODIFIED_SINCE, OLD)], Holds),
            (&[(IF_MODIFIED_SINCE, SAME)], NotModified),
            (&[(IF_MODIFIED_SINCE, NEW)], NotModified),
            (&[(IF_MODIFIED_SINCE, "soon")], Holds),
            (&[(IF_MATCH, "\"b\""), (IF_NONE_MATCH, "\"a\"")], Failed),
            (
                &[(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "\"a\"")],
                NotModified,
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(
                of(&headers(fields), &state("\"a\"")),
                *expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn a_range_is_of_the_same_state_or_is_none() {
        for (tag, value, expected) in [
            ("\"a\"", "\"a\"", true),
            ("\"a\"", "W/\"a\"", false),
            ("\"a\"", "\"b\"", false),
            ("\"a\"", SAME, true),
            ("\"a\"", OLD, false),
            ("\"a\"", NEW, false),
            ("\"a\"", "nonsense", false),
            ("W/\"a\"", "W/\"a\"", false),
            ("W/\"a\"", SAME, false),
        ] {
            let fields = headers(&[(header::IF_RANGE, value)]);
            assert_eq!(range_holds(&fields, &state(tag)), expected, "{tag} {value}");
        }
        assert!(range_holds(&headers(&[]), &state("W/\"a\"")));
    }
}
