//! The store on disk as its users meet it: what is kept stays, what is damaged is never served, limits hold.
//! Invariant: every file here is below a directory of the test's own.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

#[path = "store/carried.rs"]
mod carried;
#[path = "store/damage.rs"]
mod damage;
#[path = "store/disk.rs"]
mod disk;
#[path = "store/keeping.rs"]
mod keeping;
#[path = "store/model.rs"]
mod model;
#[path = "store/segments.rs"]
mod segments;
