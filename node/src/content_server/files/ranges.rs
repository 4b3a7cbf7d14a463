//! RFC 9110 14: which parts of a file a request wants.
//! Invariant: however many ranges are asked for, no more bytes go out than the file has.
//! Byte order: none.

use http::{HeaderMap, header};
use peerdist::content::ContentRange;
use peerdist::http_encoding::Delivery;

use super::State;
use super::conditions::range_holds;

/// Ranges in one request; with more of them the whole file is sent.
const RANGES_MOST: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    Part(ContentRange),
    Parts(Vec<ContentRange>),
    Unsatisfiable,
}

pub(super) fn wanted(headers: &HeaderMap, state: &State) -> Wanted {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Wanted::Whole;
    };
    if !range_holds(headers, state) {
        return Wanted::Whole;
    }
    match Delivery::of(value.as_bytes(), state.length) {
        Delivery::Whole => Wanted::Whole,
        Delivery::Part(range) => Wanted::Part(range),
        Delivery::SeveralParts => several(value.as_bytes(), state.length),
        Delivery::Unsatisfiable => Wanted::Unsatisfiable,
    }
}

/// The same header field, one range after another.
fn several(value: &[u8], length: u64) -> Wanted {
    let list = value.split(|byte| *byte == b'=').nth(1).unwrap_or_default();
    let mut parts = Vec::new();
    let mut bytes = 0u64;
    for range in list.split(|byte| *byte == b',') {
        let alone = [b"bytes=", range].concat();
        if let Delivery::Part(range) = Delivery::of(&alone, length) {
            bytes = bytes.saturating_add(range.length);
            parts.push(range);
        }
    }
    if parts.len() > RANGES_MOST || bytes > length {
        return Wanted::Whole;
    }
    Wanted::Parts(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str) -> Wanted {
        let state = State {
            tag: "\"a\"".to_owned(),
            modified: std::time::SystemTime::UNIX_EPOCH,
            is_rested: true,
            length: 1000,
        };
        let headers = [(header::RANGE, range.parse().unwrap())];
        wanted(&headers.into_iter().collect(), &state)
    }

    const fn part(start: u64, length: u64) -> ContentRange {
        ContentRange { start, length }
    }

    #[test]
    fn parts_come_in_the_order_of_the_request() {
        assert_eq!(of("bytes=0-0"), Wanted::Part(part(0, 1)));
        let parts = vec![part(990, 10), part(0, 5)];
        assert_eq!(of("bytes=-10, 0-4"), Wanted::Parts(parts));
        let parts = vec![part(0, 1), part(2, 1)];
        assert_eq!(of("bytes=0-0,,2-2,5000-"), Wanted::Parts(parts));
        assert_eq!(of("bytes=5000-,6000-"), Wanted::Unsatisfiable);
        assert_eq!(of("bytes=0-4,x"), Wanted::Whole);
    }

    #[test]
    fn more_than_the_file_is_the_file() {
        assert_eq!(of("bytes=0-,0-"), Wanted::Whole);
        let many: Vec<String> = (0..101).map(|at| format!("{at}-{at}")).collect();
        assert_eq!(of(&format!("bytes={}", many.join(","))), Wanted::Whole);
        let many = many[..100].join(",");
        assert!(matches!(of(&format!("bytes={many}")), Wanted::Parts(parts) if parts.len() == 100));
    }
}
