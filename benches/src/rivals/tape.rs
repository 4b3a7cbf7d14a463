//! The crate tape-sha256: SHA-256 of four messages at once on SHA-NI, the fastest of the published crates.
//! Invariant: used through its own dispatch, as a user would.

/// Its name in tables.
#[must_use]
pub fn name() -> String {
    format!("tape-sha256 0.2.2 ({})", tape_sha256::backend())
}

/// Digests of all inputs.
pub fn digest_many(inputs: &[&[u8]], out: &mut [[u8; 32]]) {
    tape_sha256::hash_many(inputs, out);
}
