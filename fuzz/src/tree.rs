//! The annotated tree of any message (core's `decode`), by every protocol and by its own guess.
//! Invariant: fields lie in the input and children in their parents; the guess is one of the protocols' own outcomes.
//! Byte order: none.

use peerdist::decode::{Decoded, Field, Protocol, Value, decode};

/// Decodes as each protocol and as whichever it is.
///
/// # Panics
/// Where an assertion fails: that is what a fuzzer looks for.
pub fn annotated_tree(data: &[u8]) {
    let guessed = decode(data, None).expect("no more bytes than are looked at");
    is_sound(&guessed);
    let mut is_valid = false;
    for protocol in Protocol::ALL {
        let decoded = decode(data, Some(protocol)).expect("no more bytes than are looked at");
        assert_eq!(decoded.protocol, Some(protocol));
        is_sound(&decoded);
        if guessed.protocol == Some(protocol) {
            is_valid = decoded.is_valid();
            let notes = guessed.notes.clone();
            assert_eq!(Decoded { notes, ..decoded }, guessed);
        }
    }
    assert_eq!(guessed.is_valid(), is_valid);
}

fn is_sound(decoded: &Decoded<'_>) {
    let whole = decoded.bytes.len();
    if let Some(fault) = &decoded.error {
        assert!(fault.at <= whole, "{fault:?} in {whole} bytes");
        assert!(!fault.field.is_empty() && !fault.problem.is_empty() && !fault.why.is_empty());
        assert!(fault.requirement.is_none_or(|id| !id.is_empty()));
    }
    assert!(decoded.unread() <= whole);
    lie_within(&decoded.fields, 0, whole, 0);
}

fn lie_within(fields: &[Field<'_>], start: usize, end: usize, depth: usize) {
    assert!(depth < 32, "a tree that deep");
    for field in fields {
        let lies_within = start <= field.at && field.at + field.length <= end;
        assert!(
            lies_within,
            "{} at {} of {start}..{end}",
            field.name, field.at
        );
        assert!(!field.name.is_empty());
        if let Value::Bytes(bytes) | Value::Secret(bytes) = field.value {
            assert!(bytes.len() <= field.length);
        }
        lie_within(
            &field.children,
            field.at,
            field.at + field.length,
            depth + 1,
        );
    }
}
