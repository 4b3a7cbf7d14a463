//! Tests of MS-CCROD 2.8: rule by rule, and the law.
//! Invariant: no bytes are involved but those of hand-made responses.
//! Byte order: none.

mod hosted;
mod law;
mod limits;
mod patience;
mod peers;
mod segment_lists;
mod stage;
mod steady;
mod whole;
