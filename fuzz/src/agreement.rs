//! What holds for every decoder: telling a trace changes nothing, and whatever is pointed at lies in the input.
//! Invariant: a failed assertion here is a fault of a decoder, whatever the input was.
//! Byte order: none.

use core::fmt::{Debug, Display};

use peerdist::error::Rejected;
use peerdist::wire::Trace;

/// Where an error points, of whichever protocol it is.
pub(crate) trait Place: Debug + PartialEq + Display {
    fn at(&self) -> usize;
    fn field(&self) -> &'static str;
}

macro_rules! places {
    ($($error:ty),*) => {$(
        impl Place for $error {
            fn at(&self) -> usize {
                self.at
            }

            fn field(&self) -> &'static str {
                self.field
            }
        }
    )*};
}

places!(
    peerdist::content::DecodeError,
    peerdist::discovery::DecodeError,
    peerdist::hosted_cache::DecodeError,
    peerdist::http_encoding::DecodeError,
    peerdist::retrieval::DecodeError,
    peerdist::smb::DecodeError
);

/// Decodes with and without a trace, holds the outcomes against each other, and is one of them.
macro_rules! decoded {
    ($data:ident, $plain:expr, |$trace:ident| $traced:expr, $is_same:expr) => {{
        let told = peerdist::wire::Trace::new();
        let plain = $plain;
        {
            let $trace = &told;
            crate::agreement::agree($data, &plain, &$traced, $is_same);
        }
        crate::agreement::lies_within($data, told);
        plain
    }};
    ($data:ident, $message:ident) => {
        crate::agreement::decoded!(
            $data,
            $message::decode($data),
            |trace| $message::decode_with(peerdist::wire::Reader::traced($data, trace)),
            |a, b| a == b
        )
    };
}
pub(crate) use decoded;

#[track_caller]
pub(crate) fn agree<T: Debug, E: Place>(
    data: &[u8],
    plain: &Result<T, E>,
    told: &Result<T, E>,
    is_same: impl FnOnce(&T, &T) -> bool,
) {
    match (plain, told) {
        (Ok(plain), Ok(told)) => assert!(is_same(plain, told), "{plain:?} but {told:?}"),
        (Err(plain), Err(told)) => {
            assert_eq!(plain, told, "a trace changes the error");
            assert!(plain.at() <= data.len(), "{plain:?} points past the end");
            assert!(!plain.field().is_empty(), "{plain:?} names no field");
            assert!(!plain.to_string().is_empty());
        }
        _ => panic!("{plain:?} but with a trace {told:?}"),
    }
}

#[track_caller]
pub(crate) fn lies_within(data: &[u8], trace: Trace) {
    for entry in trace.into_entries() {
        let end = entry.at.checked_add(entry.length);
        let lies_within = end.is_some_and(|end| end <= data.len());
        assert!(lies_within, "{entry:?} in {} bytes", data.len());
    }
}

/// What holds for every rejection: it says why, and by what.
#[track_caller]
pub(crate) fn rejection(rejected: &Rejected, message_len: usize) {
    assert!(!rejected.requirement.is_empty() && !rejected.why.is_empty());
    assert!(
        rejected.at <= message_len,
        "{rejected:?} points past the end"
    );
}
